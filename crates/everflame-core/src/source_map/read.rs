//! From what a script declares to its table: finds the file, or decodes the `data:` URL.

use std::fs::{File, Metadata};
use std::io::{ErrorKind, Read};
use std::os::unix::fs::MetadataExt;
use std::path::{Path, PathBuf};

use percent_encoding::percent_decode;

use super::comment::{Comment, has_code_behind, last, tail};
use super::declared::{DeclaredMap, Origin};
use super::json::{Parsed, parse};
use super::locate::{map_files, package_folder, script_file};
use super::nonblocking;
use super::sources::Base;

/// Most bytes of a map's file. Of a bundle whose map is larger the parser would take more than the profiler may.
const MAX_FILE: u64 = 64 << 20;

/// Seconds by which a map may be younger than its script. Some tools write it after the script, and clocks of file systems
/// stand still between two ticks.
const MOST_YOUNGER: i64 = 2;

/// Seconds by which a map that its script does not name may be older than the script: a build writes both, in any order.
const MOST_OLDER: i64 = 10;

/// Why a map is of no use.
#[derive(Debug, PartialEq, Eq)]
pub(super) enum NotRead {
    /// There is none here.
    Missing,
    /// There was no room for it.
    GivenUp,
    /// What the script says of a map is not said of this script.
    AnotherScripts,
    /// It is there: what is wrong with it, as the end of a sentence.
    Broken(PathBuf, String),
}

/// Which text a file had when it was read.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Stamp {
    pub(super) path: PathBuf,
    changed: (i64, i64),
    bytes: u64,
}

/// A map before it is read.
pub(super) enum Opened {
    File(File, Stamp),
    /// A `data:` URL that V8 does not know of.
    Text(Vec<u8>),
}

/// Opens the map of a script that has it in a file.
pub(super) fn open(map: &DeclaredMap) -> Result<Opened, NotRead> {
    let script = script_file(&map.script);
    let tail = script.as_deref().map(tail).unwrap_or_default();
    let mut is_beside = false;
    let files = match (&map.origin, last(&tail)) {
        (Origin::Address(url), Some(Comment::BeforeCode { url: other }))
            if url.as_bytes() == other =>
        {
            return Err(NotRead::AnotherScripts);
        }
        (Origin::Address(url), _) => map_files(&map.script, url),
        (
            Origin::Beside,
            Some(Comment::Last {
                url,
                is_block: true,
            }),
        ) => {
            if url.starts_with(b"data:") {
                return Ok(Opened::Text(url.to_vec()));
            }
            map_files(&map.script, &String::from_utf8_lossy(url))
        }
        (Origin::Beside, _) => {
            is_beside = true;
            script.clone().map(beside).into_iter().collect()
        }
        (Origin::Inline(_), _) => Vec::new(),
    };
    for path in files {
        match open_file(&path) {
            Err(NotRead::Missing) => {}
            // Nobody has said that there is one, and in a folder that may not be searched nobody knows.
            Err(NotRead::Broken(..)) if is_beside && path.symlink_metadata().is_err() => {}
            Ok((_, about, _)) if is_beside && is_older(&about, script.as_deref()) => {}
            Ok((file, about, stamp)) => {
                return match is_younger(&about, map.seen()) {
                    true => Err(another_builds(&stamp)),
                    false => Ok(Opened::File(file, stamp)),
                };
            }
            Err(other) => return Err(other),
        }
    }
    Err(NotRead::Missing)
}

/// Whether a map is an earlier build's than the script that it lies beside: a build that makes no map leaves the old one there.
fn is_older(map: &Metadata, script: Option<&Path>) -> bool {
    let script = script.and_then(|script| script.metadata().ok());
    script.is_some_and(|script| map.mtime().saturating_add(MOST_OLDER) < script.mtime())
}

/// Whether a file has another text than at a time, in seconds since the epoch. The time of its last change of any kind is the
/// machine's own, that of its text may be another one's; but a further link to a file changes the first alone.
fn is_younger(about: &Metadata, time: i64) -> bool {
    let latest = time.saturating_add(MOST_YOUNGER);
    about.ctime() > latest && (about.nlink() == 1 || about.mtime() > latest)
}

/// A map that was made again, perhaps of another text, while the script runs as it was.
pub(super) fn another_builds(stamp: &Stamp) -> NotRead {
    let reason = "it was changed after the program had loaded the script";
    NotRead::Broken(stamp.path.clone(), reason.to_owned())
}

/// Whether the map in a script's text is of another script, which was put in front of it.
pub(super) fn is_anothers(map: &DeclaredMap, url: &[u8]) -> bool {
    let script = script_file(&map.script);
    script.is_some_and(|script| has_code_behind(&tail(&script), url))
}

fn beside(script: PathBuf) -> PathBuf {
    let mut name = script.into_os_string();
    name.push(".map");
    name.into()
}

fn open_file(path: &Path) -> Result<(File, Metadata, Stamp), NotRead> {
    let broken = |reason: String| NotRead::Broken(path.to_path_buf(), reason);
    let file = nonblocking::open(path).map_err(|error| match error.kind() {
        ErrorKind::NotFound | ErrorKind::NotADirectory | ErrorKind::InvalidFilename => {
            NotRead::Missing
        }
        _ => broken(format!("it cannot be read: {error}")),
    })?;
    let about = file
        .metadata()
        .map_err(|error| broken(format!("it cannot be read: {error}")))?;
    if !about.is_file() {
        return Err(broken("it is no regular file".to_owned()));
    }
    if about.len() > MAX_FILE {
        let megabytes = |bytes: u64| bytes >> 20;
        return Err(broken(format!(
            "it has {} MB, and at most {} MB are read",
            megabytes(about.len()),
            megabytes(MAX_FILE),
        )));
    }
    let stamp = Stamp {
        path: path.to_path_buf(),
        changed: (about.mtime(), about.mtime_nsec()),
        bytes: about.len(),
    };
    Ok((file, about, stamp))
}

/// Reads an open map.
pub(super) fn read_file(map: &DeclaredMap, file: File, stamp: &Stamp) -> Result<Parsed, NotRead> {
    let base = Base {
        folder: stamp.path.parent().map(Path::to_path_buf),
        package: script_file(&map.script).and_then(|script| package_folder(&script)),
        made: Some(stamp.changed.0),
    };
    // Whatever is written to it meanwhile.
    let parsed = parse(file.take(MAX_FILE), base)
        .map_err(|reason| NotRead::Broken(stamp.path.clone(), reason))?;
    // One that lies beside the script by chance.
    let own = script_file(&map.script).filter(|own| beside(own.clone()) == stamp.path);
    if let (Origin::Beside, Some(file), Some(own)) = (&map.origin, &parsed.file, own) {
        let name = |path: &str| path.rsplit('/').next().map(str::to_owned);
        if name(file) != name(&own.to_string_lossy()) {
            return Err(NotRead::Missing);
        }
    }
    Ok(parsed)
}

/// Reads a map that was in its script's text.
pub(super) fn read_inline(map: &DeclaredMap, url: &[u8]) -> Result<Parsed, NotRead> {
    let script = script_file(&map.script);
    let base = Base {
        package: script.as_deref().and_then(package_folder),
        folder: script.and_then(|script| Some(script.parent()?.to_path_buf())),
        made: None,
    };
    data_of(url)
        .and_then(|data| parse(&*data, base))
        .map_err(|reason| NotRead::Broken(PathBuf::from("inline"), reason))
}

/// The data of a `data:` URL.
fn data_of(url: &[u8]) -> Result<Vec<u8>, String> {
    const CUT: &str = "its data: URL is cut short";
    let comma = url.iter().position(|byte| *byte == b',').ok_or(CUT)?;
    let (head, data) = (&url[..comma], &url[comma + 1..]);
    let is_base64 = head
        .rsplit(|byte| *byte == b';')
        .next()
        .is_some_and(|last| last.eq_ignore_ascii_case(b"base64"));
    let decoded: Vec<u8> = percent_decode(data).collect();
    if !is_base64 {
        return Ok(decoded);
    }
    base64_simd::forgiving_decode_to_vec(&decoded)
        .map_err(|_| "its data: URL is not base64".to_owned())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn data_urls_are_decoded_as_they_say() {
        for (url, expected) in [
            ("data:application/json;base64,e30=", "{}"),
            ("data:application/json;charset=utf-8;base64,e30", "{}"),
            ("data:application/json;BASE64,e%330=", "{}"),
            ("data:application/json,{}", "{}"),
            ("data:,%7B%7d", "{}"),
        ] {
            assert_eq!(
                data_of(url.as_bytes()).as_deref(),
                Ok(expected.as_bytes()),
                "{url}"
            );
        }
        assert!(data_of(b"data:application/json;base64").is_err());
        assert!(data_of(b"data:;base64,%%%").is_err());
    }

    #[test]
    fn a_map_that_was_made_again_is_not_the_scripts() {
        let folder = std::env::temp_dir().join(format!("everflame-again-{}", std::process::id()));
        std::fs::create_dir_all(&folder).unwrap();
        let script = folder.join("x.js");
        let path = folder.join("x.js.map");
        std::fs::write(&path, "{}").unwrap();
        let changed = path.metadata().unwrap().ctime();
        let opened = |seen: i64| {
            let map = DeclaredMap::new(script.to_str().unwrap(), Origin::Beside, seen);
            open(&map).map(drop)
        };
        assert_eq!(opened(changed), Ok(()));
        assert_eq!(
            opened(changed - MOST_YOUNGER),
            Ok(()),
            "written a little later"
        );
        let again = opened(changed - MOST_YOUNGER - 1);
        assert!(
            matches!(&again, Err(NotRead::Broken(_, reason)) if reason.starts_with("it was changed after")),
            "{again:?}"
        );
        // Another project has a link to the same file, as pnpm makes them.
        File::options()
            .write(true)
            .open(&path)
            .unwrap()
            .set_modified(std::time::UNIX_EPOCH)
            .unwrap();
        std::fs::hard_link(&path, folder.join("link")).unwrap();
        assert_eq!(opened(changed - MOST_YOUNGER - 1), Ok(()));
        std::fs::remove_dir_all(&folder).unwrap();
    }

    #[test]
    fn a_map_that_nobody_names_is_of_the_same_build() {
        let folder = std::env::temp_dir().join(format!("everflame-beside-{}", std::process::id()));
        std::fs::create_dir_all(&folder).unwrap();
        let script = folder.join("x.js");
        let written = |path: &Path, seconds: u64| {
            let time = std::time::UNIX_EPOCH + std::time::Duration::from_secs(seconds);
            std::fs::write(path, "{}").unwrap();
            let file = File::options().write(true).open(path).unwrap();
            file.set_modified(time).unwrap();
        };
        let opened = |origin: Origin| {
            let map = DeclaredMap::new(script.to_str().unwrap(), origin, i64::MAX);
            open(&map).map(drop)
        };
        written(&script, 5000);
        for (time, expected) in [
            (4990, Ok(())),
            (4989, Err(NotRead::Missing)),
            (6000, Ok(())),
        ] {
            written(&folder.join("x.js.map"), time);
            assert_eq!(opened(Origin::Beside), expected, "{time}");
            assert_eq!(opened(Origin::Address("x.js.map".into())), Ok(()));
        }
        std::fs::remove_dir_all(&folder).unwrap();
    }

    #[test]
    fn a_map_that_nobody_names_is_not_looked_for_where_nobody_may_look() {
        let folder = std::env::temp_dir().join(format!("everflame-loop-{}", std::process::id()));
        std::fs::create_dir_all(&folder).unwrap();
        // As a folder that a process may not search any more, for the superuser too: one that cannot be reached.
        std::os::unix::fs::symlink("loop", folder.join("loop")).unwrap();
        let opened = |script: &str, origin: Origin| {
            let script = folder.join(script);
            let map = DeclaredMap::new(script.to_str().unwrap(), origin, i64::MAX);
            open(&map).map(drop)
        };
        assert_eq!(opened("loop/x.js", Origin::Beside), Err(NotRead::Missing));
        // A script that names it, and a name that is there, say that there is one.
        let named = opened("loop/x.js", Origin::Address("x.js.map".into()));
        assert!(matches!(named, Err(NotRead::Broken(..))), "{named:?}");
        std::os::unix::fs::symlink("y.js.map", folder.join("y.js.map")).unwrap();
        let there = opened("y.js", Origin::Beside);
        assert!(matches!(there, Err(NotRead::Broken(..))), "{there:?}");
        std::fs::remove_dir_all(&folder).unwrap();
    }

    #[test]
    fn what_cannot_be_a_map_is_not_read() {
        let folder = std::env::temp_dir().join(format!("everflame-maps-{}", std::process::id()));
        std::fs::create_dir_all(folder.join("folder")).unwrap();
        let pipe = folder.join("pipe");
        let name = std::ffi::CString::new(pipe.to_str().unwrap()).unwrap();
        // SAFETY: the name is a C string.
        assert_eq!(unsafe { libc::mkfifo(name.as_ptr(), 0o600) }, 0);
        let large = folder.join("large");
        File::create(&large).unwrap().set_len(1 << 30).unwrap();
        let reason = |name: &str| match open_file(&folder.join(name)) {
            Err(NotRead::Broken(_, reason)) => reason,
            other => panic!("{other:?}"),
        };
        assert_eq!(reason("pipe"), "it is no regular file");
        assert_eq!(reason("folder"), "it is no regular file");
        assert_eq!(
            reason("large"),
            "it has 1024 MB, and at most 64 MB are read"
        );
        for missing in ["none", "large/none", &"x".repeat(5000)] {
            let error = open_file(&folder.join(missing)).map(drop).unwrap_err();
            assert_eq!(error, NotRead::Missing, "{missing}");
        }
        std::fs::remove_dir_all(&folder).unwrap();
    }
}
