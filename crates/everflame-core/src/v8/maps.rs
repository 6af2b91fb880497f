//! `/proc/self/maps`, as far as V8's code needs it: which file lies behind an executable address (proc(5)).

/// One executable, file-backed mapping.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct FileMapping<'a> {
    pub(super) start: u64,
    pub(super) end: u64,
    /// Offset in the file of `start`.
    pub(super) offset: u64,
    /// Device and inode, as printed.
    pub(super) file: (&'a str, &'a str),
    pub(super) path: &'a str,
}

impl FileMapping<'_> {
    pub(super) fn contains(&self, address: u64) -> bool {
        (self.start..self.end).contains(&address)
    }
}

/// The executable, file-backed mappings; lines that do not parse are left out.
pub(super) fn executable_files(maps: &str) -> impl Iterator<Item = FileMapping<'_>> {
    maps.lines().filter_map(|line| {
        let (range, rest) = line.split_once(' ')?;
        let (permissions, rest) = rest.split_once(' ')?;
        let (offset, rest) = rest.split_once(' ')?;
        let (device, rest) = rest.split_once(' ')?;
        let (inode, path) = rest.split_once(' ').unwrap_or((rest, ""));
        if permissions.as_bytes().get(2) != Some(&b'x') || inode == "0" {
            return None;
        }
        let (start, end) = range.split_once('-')?;
        let hexadecimal = |text| u64::from_str_radix(text, 16).ok();
        Some(FileMapping {
            start: hexadecimal(start)?,
            end: hexadecimal(end)?,
            offset: hexadecimal(offset)?,
            file: (device, inode),
            path: path.trim_start(),
        })
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_executable_files_are_kept() {
        let maps = "\
00400000-00c64000 r--p 00000000 fe:00 1234                               /opt/my node/bin/node
00c65000-02b31000 r-xp 00865000 fe:00 1234                               /opt/my node/bin/node
7f0000000000-7f0000001000 r-xp 00000000 00:00 0                          [vdso]
7f0000002000-7f0000003000 rwxp 00000000 00:00 0 
garbage
";
        let found: Vec<_> = executable_files(maps).collect();
        assert_eq!(
            found,
            [FileMapping {
                start: 0xc65000,
                end: 0x2b31000,
                offset: 0x865000,
                file: ("fe:00", "1234"),
                path: "/opt/my node/bin/node",
            }]
        );
    }
}
