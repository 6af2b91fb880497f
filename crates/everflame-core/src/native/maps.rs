//! `/proc/self/maps`: file-backed executable mappings. See proc_pid_maps(5).

use std::io;
use std::ops::Range;

/// Identity of the mapped file as the kernel prints it (device and inode). With overlay file systems it can differ
/// from what `stat` says, so it is only compared with another line of the same file.
pub(super) type FileIdentity = (String, u64);

/// One executable mapping that is backed by a file.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Mapping {
    pub(super) range: Range<u64>,
    pub(super) file_offset: u64,
    pub(super) file: FileIdentity,
    /// Path without the kernel's mark for deleted files.
    pub(super) path: String,
    pub(super) deleted: bool,
}

const DELETED: &str = " (deleted)";

/// Reads the executable, file-backed mappings of this process.
///
/// # Errors
/// The error of opening or reading `/proc/self/maps`, for example when `/proc` is not mounted.
pub(super) fn read() -> io::Result<Vec<Mapping>> {
    let text = std::fs::read("/proc/self/maps")?;
    Ok(String::from_utf8_lossy(&text)
        .lines()
        .filter_map(parse)
        .collect())
}

fn parse(line: &str) -> Option<Mapping> {
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
    let (path, deleted) = match path.strip_suffix(DELETED) {
        Some(path) => (path, true),
        None => (path, false),
    };
    Some(Mapping {
        range: u64::from_str_radix(start, 16).ok()?..u64::from_str_radix(end, 16).ok()?,
        file_offset,
        file: (device, inode),
        // The kernel escapes nothing but the line feed.
        path: path.replace("\\012", "\n"),
        deleted,
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn parses_executable_file_mappings_only() {
        let line = "7f10-7f20 r-xp 0000a000 08:01 42                         /opt/my app/lib x.so (deleted)";
        let mapping = parse(line).expect("an executable file mapping");
        assert_eq!(mapping.range, 0x7f10..0x7f20);
        assert_eq!(mapping.file_offset, 0xa000);
        assert_eq!(mapping.file, ("08:01".to_owned(), 42));
        assert_eq!(mapping.path, "/opt/my app/lib x.so");
        assert!(mapping.deleted);
        for other in [
            "7f10-7f20 r--p 0000a000 08:01 42 /lib/a.so",
            "7f10-7f20 rwxp 00000000 00:00 0 ",
            "7f10-7f20 r-xp 00000000 00:00 0 [vdso]",
            "",
            "garbage",
        ] {
            assert_eq!(parse(other), None, "{other:?}");
        }
    }
}
