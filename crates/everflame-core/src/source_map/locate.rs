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

/// From where the sources of a map are found.
#[derive(Clone, Copy, Debug, Default)]
pub(super) struct Place<'a> {
    /// The folder of the map, where it lies in a file, or of its script.
    pub(super) folder: Option<&'a Path>,
    /// The folder of the package that the script is of, where that is a dependency.
    pub(super) package: Option<&'a Path>,
}

/// The folder of the package in `node_modules` that a script is of. What begins with a dot is a tool's, which puts there what
/// it has made of files of the program.
pub(super) fn package_folder(script: &Path) -> Option<PathBuf> {
    let mut folders: Vec<_> = script.parent()?.components().collect();
    let modules = folders
        .iter()
        .rposition(|folder| folder.as_os_str() == "node_modules")?;
    let name = folders.get(modules + 1)?.as_os_str().as_encoded_bytes();
    let parts = match name {
        [b'.', ..] => return None,
        [b'@', ..] => 2,
        _ => 1,
    };
    let end = modules + 1 + parts;
    (folders.len() >= end).then(|| {
        folders.truncate(end);
        folders.into_iter().collect()
    })
}

/// What a source of a map is called in a profile: the path of its file where that can be told, else the map's own word.
///
/// The map of a dependency tells of files of that package alone. Where it leads out of it, to where the package was built, the
/// path goes on below the package's folder: else the code would be somebody else's, and perhaps at a file that is there.
pub(super) fn source_name(place: Place, root: &str, source: &str) -> String {
    let is_absolute = source.starts_with('/') || scheme(source).is_some();
    let joined = match root {
        "" => source.to_owned(),
        _ if is_absolute => source.to_owned(),
        _ => format!("{}/{source}", root.trim_end_matches('/')),
    };
    if let Some(path) = file_url(&joined) {
        return shown(&inside(place.package, normal(&path), &path));
    }
    if let Some(scheme) = scheme(&joined) {
        let found = in_project(place, &joined[scheme.len() + 1..]);
        return found.map_or(joined, |path| shown(&path));
    }
    let Some(folder) = place.folder else {
        return joined;
    };
    // Sources are URLs, and many tools write paths: the one that is there is meant.
    let literal = normal(&folder.join(&joined));
    if literal.exists() || !joined.contains(['%', '?', '#']) {
        return shown(&inside(place.package, literal, Path::new(&joined)));
    }
    let url = decoded(without_query(&joined));
    let path = decoded(&joined);
    let own = if normal(&folder.join(&url)).exists() {
        url
    } else {
        path
    };
    shown(&inside(place.package, normal(&folder.join(&own)), &own))
}

/// A path, or the map's own word for it below the package, where it is not in there.
fn inside(package: Option<&Path>, path: PathBuf, word: &Path) -> PathBuf {
    let Some(package) = package.filter(|package| !path.starts_with(package)) else {
        return path;
    };
    let names = word
        .components()
        .filter(|component| matches!(component, Component::Normal(_)));
    package.components().chain(names).collect()
}

fn shown(path: &Path) -> String {
    path.to_string_lossy().into_owned()
}

/// A bundler's `//<name>/./src/x.ts`, `///[project]/src/x.ts` or `//_N_E/(rsc)/./src/x.ts?1a2b`: a path below a folder that
/// the map does not name. It is looked for in the folders above the map, and in the working directory.
fn in_project(place: Place, url: &str) -> Option<PathBuf> {
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
    if path.is_empty() || path.contains('"') {
        return None;
    }
    let working = std::env::current_dir().ok();
    let is_inside = |path: &Path| {
        place
            .package
            .is_none_or(|package| path.starts_with(package))
    };
    let found = place
        .folder
        .into_iter()
        .flat_map(|folder| folder.ancestors().take(MAX_FOLDERS))
        .filter(|folder| folder.parent().is_some())
        .chain(working.as_deref())
        .map(|folder| normal(&folder.join(path)))
        .find(|file| is_inside(file) && file.is_file());
    // `webpack/runtime/make namespace object` is no file of the package.
    if found.is_some() || path.contains(' ') {
        return found;
    }
    Some(inside(
        place.package,
        place.package?.parent()?.into(),
        Path::new(path),
    ))
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
        let place = Place {
            folder: Some(Path::new("/srv/dist")),
            package: None,
        };
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
                source_name(place, root, source),
                expected,
                "{root} {source}"
            );
        }
        assert_eq!(source_name(Place::default(), "", "a.ts"), "a.ts");
    }

    #[test]
    fn a_dependency_is_what_follows_the_last_node_modules() {
        for (script, expected) in [
            ("/app/node_modules/a/dist/x.js", Some("/app/node_modules/a")),
            (
                "/app/node_modules/@s/a/x.js",
                Some("/app/node_modules/@s/a"),
            ),
            (
                "/app/node_modules/.pnpm/a@1/node_modules/a/x.js",
                Some("/app/node_modules/.pnpm/a@1/node_modules/a"),
            ),
            ("/app/node_modules/.cache/tool/x.js", None),
            ("/app/node_modules/x.js", None),
            ("/app/node_modules/@s/x.js", None),
            ("/app/src/x.js", None),
        ] {
            let found = package_folder(Path::new(script));
            assert_eq!(found, expected.map(PathBuf::from), "{script}");
        }
    }

    #[test]
    fn sources_of_a_dependency_stay_in_it() {
        // The package lies in a program that has files of the same names.
        let program = std::env::temp_dir().join(format!("everflame-locate-{}", std::process::id()));
        let package = program.join("node_modules/dep");
        let folder = package.join("dist");
        for folder in [&program, &package] {
            std::fs::create_dir_all(folder.join("src")).unwrap();
            std::fs::write(folder.join("src/own.ts"), "").unwrap();
        }
        std::fs::write(program.join("src/a.ts"), "").unwrap();
        let place = Place {
            folder: Some(&folder),
            package: Some(&package),
        };
        for (root, source, expected) in [
            ("", "../src/a.ts", "src/a.ts"),
            ("", "../../../src/a.ts", "src/a.ts"),
            ("../../..", "src/a.ts", "src/a.ts"),
            (
                "",
                "../../../packages/dep/src/a.ts",
                "packages/dep/src/a.ts",
            ),
            ("", "../../other/a%20b.ts", "other/a b.ts"),
            ("", "/home/ci/dep/src/a.ts", "home/ci/dep/src/a.ts"),
            ("", "file:///home/ci/dep/src/a.ts", "home/ci/dep/src/a.ts"),
            ("", "webpack://dep/./src/a.ts", "src/a.ts"),
            ("", "webpack://dep/./src/own.ts", "src/own.ts"),
            ("", "webpack://dep/../../src/a.ts", "src/a.ts"),
        ] {
            let expected = package.join(expected);
            assert_eq!(
                source_name(place, root, source),
                expected.to_str().unwrap(),
                "{root} {source}"
            );
        }
        let external = "webpack://dep/external \"fs\"";
        assert_eq!(source_name(place, "", external), external);
        std::fs::remove_dir_all(&program).unwrap();
    }

    #[test]
    fn what_lies_in_the_project_is_found_there() {
        let own = Path::new(env!("CARGO_MANIFEST_DIR")).join("src/lib.rs");
        let folder = own.with_file_name("dist").join("chunks");
        let place = Place {
            folder: Some(&folder),
            package: None,
        };
        for source in [
            "webpack://app/./src/lib.rs",
            "webpack:///src/lib.rs?1a2b",
            "webpack://_N_E/(rsc)/./src/lib.rs",
            "turbopack:///[project]/src/lib.rs",
        ] {
            assert_eq!(
                source_name(place, "", source),
                own.to_str().unwrap(),
                "{source}"
            );
        }
    }

    #[test]
    fn a_file_of_the_project_may_have_blanks_in_its_name() {
        let project = std::env::temp_dir().join(format!("everflame-blanks-{}", std::process::id()));
        let folder = project.join("dist");
        let file = project.join("src/order list ü.ts");
        std::fs::create_dir_all(file.parent().unwrap()).unwrap();
        std::fs::write(&file, "").unwrap();
        let place = Place {
            folder: Some(&folder),
            package: None,
        };
        let found = source_name(place, "", "webpack://app/./src/order list ü.ts");
        let own = "webpack://app/webpack/runtime/make namespace object";
        // In the map of a dependency too it is none of its files.
        let runtimes = [None, Some(folder.as_path())].map(|package| {
            let place = Place { package, ..place };
            source_name(place, "", own)
        });
        std::fs::remove_dir_all(&project).unwrap();
        assert_eq!(found, file.to_str().unwrap());
        assert_eq!(runtimes, [own, own]);
    }

    #[test]
    fn letters_before_a_colon_are_a_scheme_where_a_url_has_one() {
        assert_eq!(scheme("webpack-internal:///x"), Some("webpack-internal"));
        assert_eq!(scheme("C:\\x"), None);
        assert_eq!(scheme("./a:b"), None);
        assert_eq!(scheme("a/b"), None);
    }
}
