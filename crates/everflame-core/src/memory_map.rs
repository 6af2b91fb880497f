//! `/proc/self/maps`: which file lies behind an executable address. See proc_pid_maps(5).

use std::io;
use std::ops::Range;

/// Identity of the mapped file as the kernel prints it (device and inode). With overlay file systems it can differ
/// from what `stat` says, so it is only compared with another line of the same file.
pub(crate) type FileIdentity = (String, u64);

/// One executable mapping that is backed by a file.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Mapping {
    pub(crate) range: Range<u64>,
    /// Offset in the file of the range's start.
    pub(crate) file_offset: u64,
    pub(crate) file: FileIdentity,
    /// Path without the kernel's mark for deleted files.
    pub(crate) path: String,
    /// The path leads to this file no more.
    pub(crate) is_deleted: bool,
}

/// Reads the executable, file-backed mappings of this process. Not for JavaScript threads: it takes milliseconds.
///
/// # Errors
/// The error of opening or reading `/proc/self/maps`, for example when `/proc` is not mounted.
pub(crate) fn read() -> io::Result<Vec<Mapping>> {
    let text = std::fs::read("/proc/self/maps")?;
    Ok(parse(&String::from_utf8_lossy(&text)))
}

/// The executable, file-backed mappings in the text of a map; lines that do not parse are left out.
pub(crate) fn parse(text: &str) -> Vec<Mapping> {
    text.lines().filter_map(parse_line).collect()
}

fn parse_line(line: &str) -> Option<Mapping> {
    // address perms offset dev inode path; the path may contain spaces.
    let mut rest = line;
    let mut field = || {
        let trimmed = rest.trim_start_matches(' ');
        let (field, tail) = trimmed.split_once(' ').unwrap_or((trimmed, ""));
        rest = tail;
        field
    };
    let (start, end) = field().split_once('-')?;
    let permissions = field();
    let file_offset = u64::from_str_radix(field(), 16).ok()?;
    let device = field().to_owned();
    let inode: u64 = field().parse().ok()?;
    if permissions.as_bytes().get(2) != Some(&b'x') || inode == 0 {
        return None;
    }
    let path = rest.trim_start_matches(' ');
    let (path, is_deleted) = without_mark(path);
    Some(Mapping {
        range: u64::from_str_radix(start, 16).ok()?..u64::from_str_radix(end, 16).ok()?,
        file_offset,
        file: (device, inode),
        // The kernel escapes nothing but the line feed.
        path: path.replace("\\012", "\n"),
        is_deleted,
    })
}

/// A path as the kernel prints it, without its mark for deleted files, and whether it had one.
pub(crate) fn without_mark(path: &str) -> (&str, bool) {
    match path.strip_suffix(" (deleted)") {
        Some(path) => (path, true),
        None => (path, false),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn parses_executable_file_mappings_only() {
        let maps = "\
7f00-7f10 r--p 00000000 08:01 42                         /opt/my app/lib x.so (deleted)
7f10-7f20 r-xp 0000a000 08:01 42                         /opt/my app/lib x.so (deleted)
7f20-7f30 rwxp 00000000 00:00 0 
7f30-7f40 r-xp 00000000 00:00 0                          [vdso]

garbage
";
        assert_eq!(
            parse(maps),
            [Mapping {
                range: 0x7f10..0x7f20,
                file_offset: 0xa000,
                file: ("08:01".to_owned(), 42),
                path: "/opt/my app/lib x.so".to_owned(),
                is_deleted: true,
            }]
        );
    }
}
