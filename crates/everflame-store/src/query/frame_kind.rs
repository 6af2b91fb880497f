//! Where a frame comes from: the program itself, a package, Node.js, a binary, the garbage collector.

use crate::packages::versioned;

/// What runs in a frame, as far as names tell.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum FrameKind {
    App,
    Package,
    Node,
    Native,
    Gc,
    /// No frame: a value by which samples are grouped.
    Group,
}

impl FrameKind {
    pub fn name(self) -> &'static str {
        match self {
            FrameKind::App => "app",
            FrameKind::Package => "package",
            FrameKind::Node => "node",
            FrameKind::Native => "native",
            FrameKind::Gc => "gc",
            FrameKind::Group => "group",
        }
    }
}

const OWN_CODE: &str = "(your code)";
const NODE: &str = "node";

/// As `classify` of src/profile/classify.ts, with which a test compares it: the kind, and the npm package or what stands for it;
/// a package with its version where that is known.
pub(crate) fn classify(name: &str, file: &str, module: &str) -> (FrameKind, String) {
    let is = |kind, package: &str| (kind, package.to_owned());
    if is_garbage_collection(name) {
        return is(FrameKind::Gc, NODE);
    }
    if file.starts_with("node:") {
        return is(FrameKind::Node, NODE);
    }
    if let Some(package) = versioned(module).filter(|_| !file.is_empty()) {
        return is(FrameKind::Package, package);
    }
    if !module.is_empty() {
        return is(FrameKind::Native, base_name(module));
    }
    // A function of a script always has a file; what has none is V8's (builtins, regular expressions, its own states).
    if file.is_empty() {
        return if is_nobodys(name) {
            is(FrameKind::Native, "(not known)")
        } else {
            is(FrameKind::Node, NODE)
        };
    }
    match package_of(file) {
        Some(package) => (FrameKind::Package, package),
        None => is(FrameKind::App, OWN_CODE),
    }
}

fn is_garbage_collection(name: &str) -> bool {
    let name = name.strip_prefix('(').unwrap_or(name);
    name.get(.."garbage collect".len())
        .is_some_and(|start| start.eq_ignore_ascii_case("garbage collect"))
}

/// Where the profiler could not look, or what it did itself.
fn is_nobodys(name: &str) -> bool {
    const STATES: [&str; 4] = [
        "(everflame)",
        "(exited threads)",
        "(memory limit)",
        "(not sampled)",
    ];
    name.starts_with('[') || STATES.iter().any(|state| name.starts_with(state)) || is_omission(name)
}

/// `<12 frames omitted>`.
fn is_omission(name: &str) -> bool {
    let Some(rest) = name.strip_prefix('<') else {
        return false;
    };
    let words = rest.trim_start_matches(|character: char| character.is_ascii_digit());
    words.len() < rest.len()
        && (words.starts_with(" frame omitted>") || words.starts_with(" frames omitted>"))
}

fn base_name(path: &str) -> &str {
    path.trim_end_matches('/')
        .rsplit('/')
        .next()
        .unwrap_or(path)
}

/// What follows the last `node_modules/`, with its scope.
fn package_of(file: &str) -> Option<String> {
    let segments: Vec<&str> = file.split(['/', '\\']).collect();
    let first = segments
        .iter()
        .rposition(|segment| *segment == "node_modules")?
        + 1;
    let name = segments.get(first).filter(|name| !name.is_empty())?;
    // The last segment is the file itself: a package has a folder.
    if first == segments.len() - 1 {
        return None;
    }
    if name.starts_with('@') && first + 1 < segments.len() - 1 {
        return Some(format!("{name}/{}", segments[first + 1]));
    }
    Some((*name).to_owned())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn each_kind_is_told() {
        let cases = [
            (("Garbage Collection", "", ""), FrameKind::Gc, "node"),
            (("(garbage collector)", "", ""), FrameKind::Gc, "node"),
            (("readFile", "node:fs", ""), FrameKind::Node, "node"),
            (("uv_run", "", "/usr/bin/node"), FrameKind::Native, "node"),
            (("RegExp: /a+/", "", ""), FrameKind::Node, "node"),
            (("[unknown]", "", ""), FrameKind::Native, "(not known)"),
            (
                ("<12 frames omitted>", "", ""),
                FrameKind::Native,
                "(not known)",
            ),
            (("<anonymous>", "", ""), FrameKind::Node, "node"),
            (
                ("(exited threads)", "", ""),
                FrameKind::Native,
                "(not known)",
            ),
            (
                ("handler", "/app/server.ts", ""),
                FrameKind::App,
                "(your code)",
            ),
            (
                ("next", "/app/node_modules/express/lib/router.js", ""),
                FrameKind::Package,
                "express",
            ),
            (
                ("run", "/a/node_modules/x/node_modules/@s/y/index.js", ""),
                FrameKind::Package,
                "@s/y",
            ),
            (
                ("run", "C:\\a\\node_modules\\z\\index.js", ""),
                FrameKind::Package,
                "z",
            ),
            (
                ("run", "/a/node_modules/single.js", ""),
                FrameKind::App,
                "(your code)",
            ),
            (
                ("run", "/a/node_modules/@s/file.js", ""),
                FrameKind::Package,
                "@s",
            ),
        ];
        for ((name, file, module), kind, package) in cases {
            assert_eq!(
                classify(name, file, module),
                (kind, package.to_owned()),
                "{name} {file} {module}"
            );
        }
    }
}
