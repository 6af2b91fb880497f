//! Where maps and sources lie: URLs to paths of this machine, by the rules of ECMA-426 as tools keep them.
//!
//! Not with a general URL library: those bring Unicode's tables for names of hosts, and no host is ever asked.

use std::ffi::OsString;
use std::os::unix::ffi::OsStringExt;
use std::path::{Component, Path, PathBuf};

use percent_encoding::percent_decode_str;

/// Folders above a map that are searched for a source that only its project knows the place of.
const MAX_FOLDERS: usize = 16;

/// The scheme of an absolute URL. One letter is a drive of Windows.
pub(super) fn scheme(url: &str) -> Option<&str> {
    let (scheme, _) = url.split_once(':')?;
    let mut letters = scheme.bytes();
    let starts = letters
        .next()
        .is_some_and(|letter| letter.is_ascii_alphabetic());
    let rest = |letter: u8| letter.is_ascii_alphanumeric() || b"+-.".contains(&letter);
    (starts && scheme.len() > 1 && letters.all(rest)).then_some(scheme)
}

/// The text without `?query` and `#fragment`.
fn without_query(url: &str) -> &str {
    url.split(['?', '#']).next().unwrap_or_default()
}

fn decoded(text: &str) -> PathBuf {
    OsString::from_vec(percent_decode_str(text).collect()).into()
}

/// The path of a `file:` URL; `None` for other URLs and other hosts.
fn file_url(url: &str) -> Option<PathBuf> {
    let rest = url
        .get(..5)
        .filter(|scheme| scheme.eq_ignore_ascii_case("file:"))?;
    let rest = &url[rest.len()..];
    let path = match rest.strip_prefix("//") {
        Some(rest) => {
            let path = rest.find('/')?;
            matches!(&rest[..path], "" | "localhost").then(|| &rest[path..])?
        }
        None => rest,
    };
    path.starts_with('/').then(|| decoded(without_query(path)))
}

/// The file that a script's name stands for: a path as it is, or a `file:` URL.
pub(super) fn script_file(name: &str) -> Option<PathBuf> {
    if name.starts_with('/') {
        return Some(name.into());
    }
    file_url(name)
}

/// Files that a map's URL may mean, the likeliest first; none for one that is elsewhere in the network.
pub(super) fn map_files(script: &str, url: &str) -> Vec<PathBuf> {
    if scheme(url).is_some() {
        return file_url(url).into_iter().collect();
    }
    if url.starts_with("//") {
        return Vec::new();
    }
    let folder = script_file(script).and_then(|script| Some(script.parent()?.to_path_buf()));
    let folder = folder.unwrap_or_else(|| PathBuf::from("/"));
    // Some tools write a path where a URL belongs.
    let mut files = vec![normal(&folder.join(decoded(without_query(url))))];
    let literal = normal(&folder.join(url));
    if literal != files[0] {
        files.push(literal);
    }
    files
}

/// A path without `.` and `..`, as a URL is resolved; links are not followed.
fn normal(path: &Path) -> PathBuf {
    let mut normal = PathBuf::new();
    for component in path.components() {
        match component {
            Component::CurDir => {}
            Component::ParentDir if normal.file_name().is_some() => {
                normal.pop();
            }
            Component::ParentDir if normal.has_root() => {}
            other => normal.push(other),
        }
    }
    normal
}

/// What a source of a map is called in a profile: the path of its file where that can be told, else the map's own word.
/// `folder` is the map's, where it lies in a file or its script does.
pub(super) fn source_name(folder: Option<&Path>, root: &str, source: &str) -> String {
    let is_absolute = source.starts_with('/') || scheme(source).is_some();
    let joined = match root {
        "" => source.to_owned(),
        _ if is_absolute => source.to_owned(),
        _ => format!("{}/{source}", root.trim_end_matches('/')),
    };
    if let Some(path) = file_url(&joined) {
        return shown(&normal(&path));
    }
    if let Some(scheme) = scheme(&joined) {
        let found = in_project(folder, &joined[scheme.len() + 1..]);
        return found.map_or(joined, |path| shown(&path));
    }
    let Some(folder) = folder else { return joined };
    // Sources are URLs, and many tools write paths: the one that is there is meant.
    let literal = normal(&folder.join(&joined));
    if literal.exists() || !joined.contains(['%', '?', '#']) {
        return shown(&literal);
    }
    let url = normal(&folder.join(decoded(without_query(&joined))));
    let path = normal(&folder.join(decoded(&joined)));
    shown(if url.exists() { &url } else { &path })
}

fn shown(path: &Path) -> String {
    path.to_string_lossy().into_owned()
}

/// A bundler's `//<name>/./src/x.ts`, `///[project]/src/x.ts` or `//_N_E/(rsc)/./src/x.ts?1a2b`: a path below a folder that
/// the map does not name. It is looked for in the folders above the map, and in the working directory.
fn in_project(folder: Option<&Path>, url: &str) -> Option<PathBuf> {
    let (_, path) = url.strip_prefix("//")?.split_once('/')?;
    let mut path = path.split('?').next()?;
    while let Some((first, rest)) = path.split_once('/') {
        let is_mark = matches!(first, "." | "" | "[project]") || first.starts_with('(');
        if !is_mark {
            break;
        }
        path = rest;
    }
    // `external "fs"` and the like are no files.
    if path.is_empty() || path.contains(['"', ' ']) {
        return None;
    }
    let working = std::env::current_dir().ok();
    folder
        .into_iter()
        .flat_map(|folder| folder.ancestors().take(MAX_FOLDERS))
        .filter(|folder| folder.parent().is_some())
        .chain(working.as_deref())
        .map(|folder| normal(&folder.join(path)))
        .find(|file| file.is_file())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_map_is_found_from_its_script() {
        for (script, url, expected) in [
            ("/srv/a/x.js", "x.js.map", "/srv/a/x.js.map"),
            ("/srv/a/x.js", "../maps/x.map?v=1#top", "/srv/maps/x.map"),
            ("/srv/a/x.js", "/maps/x.map", "/maps/x.map"),
            ("/srv/a b/x.js", "x%20y.map", "/srv/a b/x y.map"),
            (
                "file:///srv/a%20%25%23/%C3%A9.mjs?v=2",
                "m.map",
                "/srv/a %#/m.map",
            ),
            ("/srv/x.js", "file:///maps/a%20b.map", "/maps/a b.map"),
            ("/srv/x.js", "FILE://localhost/maps/b.map", "/maps/b.map"),
            ("/srv/x.js", "../../../x.map", "/x.map"),
        ] {
            let files = map_files(script, url);
            assert_eq!(
                files.first(),
                Some(&PathBuf::from(expected)),
                "{script} {url}"
            );
        }
    }

    #[test]
    fn a_path_where_a_url_belongs_is_tried_too() {
        let files = map_files("/srv/x.js", "a#b%20c.map");
        assert_eq!(files, ["/srv/a", "/srv/a#b%20c.map"].map(PathBuf::from));
    }

    #[test]
    fn nothing_is_looked_for_elsewhere() {
        for url in [
            "http://host/x.map",
            "//host/x.map",
            "file://host/x.map",
            "blob:x",
        ] {
            assert_eq!(map_files("/srv/x.js", url), [] as [PathBuf; 0], "{url}");
        }
    }

    #[test]
    fn sources_are_named_from_their_map() {
        let folder = Some(Path::new("/srv/dist"));
        for (root, source, expected) in [
            ("", "../src/a.ts", "/srv/src/a.ts"),
            ("../src", "a.ts", "/srv/src/a.ts"),
            ("../src/", "./b/../a.ts", "/srv/src/a.ts"),
            ("/abs", "a.ts", "/abs/a.ts"),
            ("root", "/abs/a.ts", "/abs/a.ts"),
            ("", "file:///srv/a%20b.ts", "/srv/a b.ts"),
            ("", "a%20b.ts", "/srv/dist/a b.ts"),
            ("", "100%.ts", "/srv/dist/100%.ts"),
            ("", "https://host/a.ts", "https://host/a.ts"),
            (
                "",
                "webpack://app/./not/there.ts",
                "webpack://app/./not/there.ts",
            ),
            (
                "webpack://app",
                "./not/there.ts",
                "webpack://app/./not/there.ts",
            ),
            (
                "",
                "webpack://app/external commonjs \"fs\"",
                "webpack://app/external commonjs \"fs\"",
            ),
        ] {
            assert_eq!(
                source_name(folder, root, source),
                expected,
                "{root} {source}"
            );
        }
        assert_eq!(source_name(None, "", "a.ts"), "a.ts");
    }

    #[test]
    fn what_lies_in_the_project_is_found_there() {
        let own = Path::new(env!("CARGO_MANIFEST_DIR")).join("src/lib.rs");
        let folder = own.with_file_name("dist").join("chunks");
        for source in [
            "webpack://app/./src/lib.rs",
            "webpack:///src/lib.rs?1a2b",
            "webpack://_N_E/(rsc)/./src/lib.rs",
            "turbopack:///[project]/src/lib.rs",
        ] {
            assert_eq!(
                source_name(Some(&folder), "", source),
                own.to_str().unwrap(),
                "{source}"
            );
        }
    }

    #[test]
    fn letters_before_a_colon_are_a_scheme_where_a_url_has_one() {
        assert_eq!(scheme("webpack-internal:///x"), Some("webpack-internal"));
        assert_eq!(scheme("C:\\x"), None);
        assert_eq!(scheme("./a:b"), None);
        assert_eq!(scheme("a/b"), None);
    }
}
