//! Which version of an npm package a function is of. A function of a script has no binary: in the place of its path stands the
//! package, if its version is known when the profile comes.

use crate::read::Profile;
use rustc_hash::{FxBuildHasher, FxHashMap};
use std::collections::HashMap;
use std::fs::File;
use std::io::Read;
use std::path::Path;
use std::sync::{LazyLock, Mutex, PoisonError};
use std::time::{Duration, Instant};

/// No path of a binary begins so: `npm:express@4.21.2`.
const PREFIX: &str = "npm:";
const FOLDER: &str = "node_modules";
/// Of a text that is shown: the longest name that npm takes has 214 bytes.
const LONGEST: usize = 300;
/// Of a package.json. The largest that are published have some hundred kilobytes.
const MOST_BYTES: u64 = 1 << 20;
/// How long what a disk said is taken for true: packages are replaced while the collector runs.
const FRESH: Duration = Duration::from_secs(60);
const MOST_KNOWN: usize = 20_000;

/// Name and version, where a function's module is a package.
pub(crate) fn versioned(module: &str) -> Option<&str> {
    module.strip_prefix(PREFIX)
}

/// What is known of the packages of one process.
pub(crate) struct Packages<'a> {
    /// By how the names of their files begin: `name@version`.
    told: FxHashMap<&'a str, &'a str>,
    /// Whether the process is of this machine, so that its packages lie here.
    is_local: bool,
}

impl<'a> Packages<'a> {
    pub(crate) fn new(told: &'a [(String, String)], is_local: bool) -> Packages<'a> {
        let told = told
            .iter()
            .filter(|(path, package)| {
                !path.is_empty() && !package.is_empty() && package.len() <= LONGEST
            })
            .map(|(path, package)| (path.as_str(), package.as_str()))
            .collect();
        Packages { told, is_local }
    }

    /// Notes the package at each function of a script that is of one whose version is known.
    pub(crate) fn note(&self, profile: &mut Profile) {
        if self.told.is_empty() && !self.is_local {
            return;
        }
        let mut modules: FxHashMap<u32, u32> = FxHashMap::default();
        let mut texts: FxHashMap<String, u32> = FxHashMap::default();
        for function in &mut profile.functions {
            if function.module != 0 || function.file == 0 {
                continue;
            }
            function.module = *modules.entry(function.file).or_insert_with(|| {
                let Some(package) = self.of(&profile.texts[function.file]) else {
                    return 0;
                };
                *texts
                    .entry(package)
                    .or_insert_with_key(|package| profile.texts.push(&format!("{PREFIX}{package}")))
            });
        }
    }

    fn of(&self, file: &str) -> Option<String> {
        let root = root_of(file)?;
        let told = beginnings(file).find_map(|beginning| self.told.get(beginning));
        match told {
            Some(package) => Some((*package).to_owned()),
            None if self.is_local => on_disk(root),
            None => None,
        }
    }
}

/// The folder of the npm package of a file, without a slash: what follows the last `node_modules/`, with its scope.
fn root_of(file: &str) -> Option<&str> {
    let is_slash = |character: char| matches!(character, '/' | '\\');
    let mut after = None;
    let mut place = 0;
    for segment in file.split(is_slash) {
        let next = place + segment.len() + 1;
        if segment == FOLDER {
            after = Some(next);
        }
        place = next;
    }
    let start = after?;
    let rest = file.get(start..)?;
    let mut end = rest.find(is_slash)?;
    if end == 0 {
        return None;
    }
    if rest.starts_with('@') {
        end += 1 + rest[end + 1..].find(is_slash)?;
    }
    Some(&file[..start + end])
}

/// The file, and the folders that it lies in with their slashes, the innermost first.
fn beginnings(file: &str) -> impl Iterator<Item = &str> {
    let folders = file
        .rmatch_indices(['/', '\\'])
        .map(|(at, slash)| &file[..at + slash.len()]);
    std::iter::once(file).chain(folders)
}

type Known = HashMap<String, (Option<String>, Instant), FxBuildHasher>;

static KNOWN: LazyLock<Mutex<Known>> = LazyLock::new(Mutex::default);

/// What the package.json in a folder says, as far as it was not asked a moment ago.
fn on_disk(root: &str) -> Option<String> {
    let lock = || KNOWN.lock().unwrap_or_else(PoisonError::into_inner);
    if let Some((package, asked)) = lock().get(root)
        && asked.elapsed() < FRESH
    {
        return package.clone();
    }
    // Without the lock: a disk may take its time.
    let package = read(&Path::new(root).join("package.json"));
    let mut known = lock();
    if known.len() >= MOST_KNOWN {
        known.clear();
    }
    known.insert(root.to_owned(), (package.clone(), Instant::now()));
    package
}

/// Name and version; of what is no such file nobody need hear.
fn read(path: &Path) -> Option<String> {
    // Else opening a pipe would wait for its other end.
    if !path.is_absolute() || !path.metadata().ok()?.is_file() {
        return None;
    }
    let mut text = Vec::new();
    let file = File::open(path).ok()?;
    file.take(MOST_BYTES).read_to_end(&mut text).ok()?;
    let manifest: serde_json::Value = serde_json::from_slice(&text).ok()?;
    let field = |key: &str| manifest.get(key)?.as_str().filter(|text| !text.is_empty());
    let package = format!("{}@{}", field("name")?, field("version")?);
    (package.len() <= LONGEST).then_some(package)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_root_is_what_follows_the_last_folder_of_packages() {
        for (file, root) in [
            ("/a/node_modules/ms/index.js", Some("/a/node_modules/ms")),
            (
                "file:///a/node_modules/ms/index.js",
                Some("file:///a/node_modules/ms"),
            ),
            (
                "/a/node_modules/send/node_modules/ms/lib/x.js",
                Some("/a/node_modules/send/node_modules/ms"),
            ),
            (
                "/a/node_modules/@scope/name/x.js",
                Some("/a/node_modules/@scope/name"),
            ),
            (
                "C:\\a\\node_modules\\ms\\index.js",
                Some("C:\\a\\node_modules\\ms"),
            ),
            ("/a/node_modules/index.js", None),
            ("/a/node_modules/@scope/x.js", None),
            ("/a/node_modules//x.js", None),
            ("/a/node_modules", None),
            ("/a/src/x.js", None),
            ("", None),
        ] {
            assert_eq!(root_of(file), root, "{file}");
        }
    }

    #[test]
    fn the_longest_beginning_counts() {
        let told = [
            ("/a/node_modules/send/".to_owned(), "send@1.0.0".to_owned()),
            (
                "/a/node_modules/send/node_modules/ms/".to_owned(),
                "ms@2.1.3".to_owned(),
            ),
            (
                "/a/node_modules/big/index.js".to_owned(),
                "big@3.0.0".to_owned(),
            ),
            ("/a/node_modules/none/".to_owned(), String::new()),
            ("/a/src/".to_owned(), "own@1.0.0".to_owned()),
        ];
        let packages = Packages::new(&told, false);
        for (file, package) in [
            ("/a/node_modules/send/index.js", Some("send@1.0.0")),
            (
                "/a/node_modules/send/node_modules/ms/index.js",
                Some("ms@2.1.3"),
            ),
            ("/a/node_modules/big/index.js", Some("big@3.0.0")),
            ("/a/node_modules/big/other.js", None),
            ("/a/node_modules/none/index.js", None),
            ("/a/src/index.js", None),
        ] {
            assert_eq!(packages.of(file).as_deref(), package, "{file}");
        }
    }

    #[test]
    fn a_process_of_this_machine_has_its_packages_here() {
        let folder =
            std::env::temp_dir().join(format!("everflame-packages-{}", std::process::id()));
        let root = folder.join("node_modules/ms");
        std::fs::create_dir_all(&root).unwrap();
        let file = root.join("index.js").to_str().unwrap().to_owned();
        let local = Packages::new(&[], true);
        for (text, package) in [
            (r#"{"name":"ms","version":"2.1.3"}"#, Some("ms@2.1.3")),
            (r#"{"name":"ms"}"#, None),
            (r#"{"name":"ms","version":3}"#, None),
            ("no JSON", None),
        ] {
            std::fs::write(root.join("package.json"), text).unwrap();
            KNOWN.lock().unwrap().clear();
            assert_eq!(local.of(&file).as_deref(), package, "{text}");
        }
        assert_eq!(Packages::new(&[], false).of(&file), None);
        std::fs::remove_dir_all(folder).unwrap();
    }
}
