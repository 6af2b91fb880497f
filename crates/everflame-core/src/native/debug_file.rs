//! Detached symbols of a stripped file, where distributions install them: by build id, else by debug link.
//! See the GDB manual, "Debugging Information in Separate Files". Nothing is fetched from the network.

use std::path::{Path, PathBuf};

use super::elf_file::{ElfError, ElfFile, string_at};
use super::module::Module;

const DEBUG_ROOT: &str = "/usr/lib/debug";

/// Finds and opens the detached debug file of a module. A file found by build id must have it; one found by name must
/// have the build id too, or the checksum that the link states.
///
/// # Errors
/// A transient [`ElfError`]: the file may be there, and be found the next time.
pub(super) fn find(module: &Module, stripped: &ElfFile) -> Result<Option<ElfFile>, ElfError> {
    let by_id = by_build_id(&module.build_id).into_iter();
    let link = debug_link(stripped);
    let by_link = link
        .iter()
        .flat_map(|link| by_name(Path::new(&module.path), &link.name));
    for path in by_id.chain(by_link) {
        let debug = match ElfFile::open(&path) {
            Ok(debug) => debug,
            Err(error) if error.is_transient() => return Err(error),
            Err(_) => continue,
        };
        let same = match debug.build_id() {
            Some(id) if !module.build_id.is_empty() => id == module.build_id,
            _ => link
                .as_ref()
                .is_some_and(|link| checksum(&debug) == Some(link.checksum)),
        };
        if same {
            return Ok(Some(debug));
        }
    }
    Ok(None)
}

struct DebugLink {
    name: String,
    checksum: u32,
}

fn debug_link(elf: &ElfFile) -> Option<DebugLink> {
    let bytes = elf.section_bytes(elf.section(".gnu_debuglink")?).ok()?;
    let name = string_at(&bytes, 0);
    let at = (name.len() + 1).next_multiple_of(4);
    let checksum = u32::from_ne_bytes(bytes.get(at..at + 4)?.try_into().ok()?);
    (!name.is_empty() && !name.contains('/')).then_some(DebugLink { name, checksum })
}

fn by_build_id(build_id: &str) -> Option<PathBuf> {
    let (directory, file) = build_id.split_at_checked(2)?;
    (!file.is_empty()).then(|| {
        Path::new(DEBUG_ROOT)
            .join(".build-id")
            .join(directory)
            .join(format!("{file}.debug"))
    })
}

fn by_name(module_path: &Path, name: &str) -> Vec<PathBuf> {
    let Some(directory) = module_path.parent() else {
        return Vec::new();
    };
    let below_root = directory.strip_prefix("/").unwrap_or(directory);
    vec![
        directory.join(name),
        directory.join(".debug").join(name),
        Path::new(DEBUG_ROOT).join(below_root).join(name),
    ]
    .into_iter()
    .filter(|path| path != module_path)
    .collect()
}

fn checksum(elf: &ElfFile) -> Option<u32> {
    use std::io::Read;
    let mut file = elf.reference().ok()?.open().ok()?;
    let mut crc = flate2::Crc::new();
    let mut buffer = vec![0; 64 << 10];
    loop {
        match file.read(&mut buffer).ok()? {
            0 => return Some(crc.sum()),
            length => crc.update(&buffer[..length]),
        }
    }
}
