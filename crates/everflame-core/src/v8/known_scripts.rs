//! Scripts whose code was logged, each copied once.

use std::sync::{Arc, OnceLock, Weak};

use rustc_hash::FxHashMap;

use super::layout::{Function, Layout};
use super::script::Script;
use crate::source_map::{DeclaredMap, MapUrl, is_enabled};

/// Fewer scripts than this are never searched for unused ones.
const PURGE_AT_LEAST: usize = 256;

/// By script id. Holds no script alive: code does.
#[derive(Debug, Default)]
pub(super) struct KnownScripts {
    scripts: FxHashMap<u32, KnownScript>,
    /// Size at which those that nothing refers to any more are thrown out.
    purge_at: usize,
}

#[derive(Debug)]
struct KnownScript {
    script: Weak<Script>,
    has_lines: bool,
    /// When the first of its code was logged, in seconds since the epoch.
    seen: i64,
}

impl KnownScripts {
    /// The script of a function, copied when first seen, or again once V8 has found its lines.
    pub(super) fn script(&mut self, layout: &Layout, function: &Function) -> Option<Arc<Script>> {
        let known = self.scripts.get(&function.script_id);
        let seen = known.map(|known| known.seen);
        let has_lines = known.is_some_and(|known| known.has_lines);
        let known = known.and_then(|known| known.script.upgrade());
        if has_lines && known.is_some() {
            return known;
        }
        let mut script = layout.script(function)?;
        script.seen = seen.unwrap_or(script.seen);
        if known.is_some() && script.lines.is_empty() {
            return known;
        }
        // A map in the script's text is long: copied once.
        let map = match &known {
            Some(known) => known.map.clone(),
            None => declared_map(layout, function, &script),
        };
        let script = Script { map, ..script };
        let script = Arc::new(script);
        if self.scripts.len() >= self.purge_at {
            self.scripts
                .retain(|_, known| known.script.strong_count() > 0);
            self.purge_at = (self.scripts.len() * 2).max(PURGE_AT_LEAST);
        }
        self.scripts.insert(
            function.script_id,
            KnownScript {
                script: Arc::downgrade(&script),
                has_lines: !script.lines.is_empty(),
                seen: script.seen,
            },
        );
        Some(script)
    }
}

/// The script's source map, if it declares one; one beside the script is looked for when the script is sampled.
fn declared_map(
    layout: &Layout,
    function: &Function,
    script: &Script,
) -> OnceLock<Option<Arc<DeclaredMap>>> {
    if !is_enabled() {
        return None.into();
    }
    match layout.map_url(function) {
        MapUrl::None => OnceLock::new(),
        url => script.declared(url).into(),
    }
}
