//! An ELF file on disk, read piece by piece: nothing of it stays mapped or open.

use std::fs::{File, Metadata};
use std::io;
use std::os::unix::fs::{FileExt, MetadataExt};
use std::path::{Path, PathBuf};

use object::NativeEndian;
use object::elf::{FileHeader64, PT_NOTE, ProgramHeader64, SHT_NOBITS, SHT_NOTE, SectionHeader64};
use object::pod::slice_from_bytes;
use object::read::elf::FileHeader;

use super::image::{Segment, build_id_in_notes};
use super::module::{Kind, Module};
use crate::descriptor_limit::leave_last;

/// No table that we read whole is longer; larger means a damaged file.
const LONGEST_TABLE: u64 = 64 << 20;

/// Why a file gave nothing.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub(super) enum ElfError {
    /// The file cannot be opened or read.
    #[error("cannot read {path}: {source}", path = .path.display())]
    Io { path: PathBuf, source: io::Error },
    /// Not a 64-bit ELF file of this machine, or cut short.
    #[error("{path} is not a whole 64-bit ELF file: {what}", path = .path.display())]
    Malformed { path: PathBuf, what: &'static str },
    /// The file was replaced since it was loaded: its symbols would be wrong.
    #[error("{path} is not the file that was loaded; it was replaced since", path = .path.display())]
    Replaced { path: PathBuf },
}

impl ElfError {
    /// Whether the same file may well be readable later: descriptors or memory were out, or a signal came.
    pub(super) fn is_transient(&self) -> bool {
        let Self::Io { source, .. } = self else {
            return false;
        };
        source.raw_os_error().is_some_and(|error| {
            [libc::EMFILE, libc::ENFILE, libc::ENOMEM, libc::EINTR].contains(&error)
        })
    }
}

/// One section header with its name.
#[derive(Debug)]
pub(super) struct Section {
    pub(super) name: String,
    pub(super) kind: u32,
    pub(super) flags: u64,
    pub(super) address: u64,
    pub(super) offset: u64,
    pub(super) size: u64,
    /// Index of the section it refers to, such as a symbol table's strings.
    pub(super) link: usize,
}

/// An open ELF file with its headers read.
pub(super) struct ElfFile {
    path: PathBuf,
    file: File,
    pub(super) segments: Vec<Segment>,
    pub(super) sections: Vec<Section>,
}

/// Where a file lies and what it was when it was read; opens the same file again or none.
#[derive(Debug)]
pub(super) struct FileReference {
    path: PathBuf,
    stamp: Stamp,
}

#[derive(Debug, PartialEq, Eq)]
struct Stamp {
    device: u64,
    inode: u64,
    size: u64,
    modified: (i64, i64),
}

impl Stamp {
    fn of(metadata: &Metadata) -> Self {
        Self {
            device: metadata.dev(),
            inode: metadata.ino(),
            size: metadata.size(),
            modified: (metadata.mtime(), metadata.mtime_nsec()),
        }
    }
}

impl FileReference {
    /// Opens the file if it is still the same.
    ///
    /// # Errors
    /// [`ElfError::Io`], or [`ElfError::Replaced`] when another or a changed file lies there.
    pub(super) fn open(&self) -> Result<File, ElfError> {
        let io = |source| ElfError::Io {
            path: self.path.clone(),
            source,
        };
        let file = File::open(&self.path).and_then(leave_last).map_err(io)?;
        if Stamp::of(&file.metadata().map_err(io)?) != self.stamp {
            return Err(ElfError::Replaced {
                path: self.path.clone(),
            });
        }
        Ok(file)
    }
}

impl ElfFile {
    /// Opens the file of a loaded module and makes sure that it is what was loaded: program headers and build id
    /// must agree. Looks where the kernel still has it when the path is gone or leads elsewhere.
    ///
    /// # Errors
    /// The error of the module's own path when no place has the file; a transient one when that came in the way.
    pub(super) fn of_module(module: &Module) -> Result<Self, ElfError> {
        let own_path = match module.kind {
            Kind::Executable => PathBuf::from("/proc/self/exe"),
            Kind::Library | Kind::Vdso => PathBuf::from(&module.path),
        };
        Self::open_verified(&own_path, module).or_else(|error| {
            // Needs a privilege on most kernels, and works where the file was deleted or lies in another mount
            // namespace. See proc_pid_map_files(5).
            let Some(range) = &module.map_file else {
                return Err(error);
            };
            let path = PathBuf::from(format!(
                "/proc/self/map_files/{:x}-{:x}",
                range.start, range.end
            ));
            Self::open_verified(&path, module)
                .map_err(|second| if second.is_transient() { second } else { error })
        })
    }

    fn open_verified(path: &Path, module: &Module) -> Result<Self, ElfError> {
        let elf = Self::open(path)?;
        let same = elf.segments == module.segments
            && elf.build_id().unwrap_or_default() == module.build_id;
        if same {
            Ok(elf)
        } else {
            Err(ElfError::Replaced {
                path: path.to_owned(),
            })
        }
    }

    /// Opens a file and reads its headers.
    ///
    /// # Errors
    /// [`ElfError::Io`] and [`ElfError::Malformed`].
    pub(super) fn open(path: &Path) -> Result<Self, ElfError> {
        let file = File::open(path)
            .and_then(leave_last)
            .map_err(|source| ElfError::Io {
                path: path.to_owned(),
                source,
            })?;
        let mut elf = Self {
            path: path.to_owned(),
            file,
            segments: Vec::new(),
            sections: Vec::new(),
        };
        let header_bytes = elf.read(0, size_of::<FileHeader64<NativeEndian>>() as u64)?;
        let header = FileHeader64::<NativeEndian>::parse(&*header_bytes)
            .map_err(|_| elf.malformed("no valid header"))?;
        let endian = NativeEndian;
        elf.segments = elf.read_segments(header.e_phoff.get(endian), header.e_phnum.get(endian))?;
        elf.sections = elf.read_sections(
            header.e_shoff.get(endian),
            header.e_shnum.get(endian),
            header.e_shstrndx.get(endian),
        )?;
        Ok(elf)
    }

    /// Reads `size` bytes at `offset`.
    ///
    /// # Errors
    /// [`ElfError::Io`], also when the file is shorter; [`ElfError::Malformed`] for absurd sizes.
    pub(super) fn read(&self, offset: u64, size: u64) -> Result<Vec<u8>, ElfError> {
        if size > LONGEST_TABLE {
            return Err(self.malformed("a table is larger than 64 MiB"));
        }
        let mut bytes = vec![0; size as usize];
        self.file
            .read_exact_at(&mut bytes, offset)
            .map_err(|source| ElfError::Io {
                path: self.path.clone(),
                source,
            })?;
        Ok(bytes)
    }

    pub(super) fn section(&self, name: &str) -> Option<&Section> {
        self.sections.iter().find(|section| section.name == name)
    }

    /// A section's bytes; empty for one without content in the file.
    ///
    /// # Errors
    /// As [`read`](Self::read).
    pub(super) fn section_bytes(&self, section: &Section) -> Result<Vec<u8>, ElfError> {
        if section.kind == SHT_NOBITS {
            Ok(Vec::new())
        } else {
            self.read(section.offset, section.size)
        }
    }

    /// The GNU build id, from the program headers' notes or, in a detached debug file, the sections'.
    pub(super) fn build_id(&self) -> Option<String> {
        let segments = self
            .segments
            .iter()
            .filter(|segment| segment.kind == PT_NOTE)
            .map(|segment| (segment.offset, segment.file_size, segment.align));
        let sections = self
            .sections
            .iter()
            .filter(|section| section.kind == SHT_NOTE)
            .map(|section| (section.offset, section.size, 4));
        segments.chain(sections).find_map(|(offset, size, align)| {
            build_id_in_notes(&self.read(offset, size).ok()?, align)
        })
    }

    /// Remembers the file so that exactly it can be opened again.
    ///
    /// # Errors
    /// [`ElfError::Io`].
    pub(super) fn reference(&self) -> Result<FileReference, ElfError> {
        let metadata = self.file.metadata().map_err(|source| ElfError::Io {
            path: self.path.clone(),
            source,
        })?;
        Ok(FileReference {
            path: self.path.clone(),
            stamp: Stamp::of(&metadata),
        })
    }

    pub(super) fn file(&self) -> &File {
        &self.file
    }

    pub(super) fn malformed(&self, what: &'static str) -> ElfError {
        ElfError::Malformed {
            path: self.path.clone(),
            what,
        }
    }

    fn read_segments(&self, offset: u64, count: u16) -> Result<Vec<Segment>, ElfError> {
        let size = u64::from(count) * size_of::<ProgramHeader64<NativeEndian>>() as u64;
        let bytes = self.read(offset, size)?;
        let (headers, _) =
            slice_from_bytes::<ProgramHeader64<NativeEndian>>(&bytes, usize::from(count))
                .map_err(|()| self.malformed("program headers cut short"))?;
        let endian = NativeEndian;
        Ok(headers
            .iter()
            .map(|header| Segment {
                kind: header.p_type.get(endian),
                flags: header.p_flags.get(endian),
                offset: header.p_offset.get(endian),
                address: header.p_vaddr.get(endian),
                file_size: header.p_filesz.get(endian),
                memory_size: header.p_memsz.get(endian),
                align: header.p_align.get(endian),
            })
            .collect())
    }

    fn read_sections(
        &self,
        offset: u64,
        count: u16,
        names_index: u16,
    ) -> Result<Vec<Section>, ElfError> {
        if offset == 0 || count == 0 {
            return Ok(Vec::new());
        }
        let entry = size_of::<SectionHeader64<NativeEndian>>() as u64;
        let bytes = self.read(offset, u64::from(count) * entry)?;
        let (headers, _) =
            slice_from_bytes::<SectionHeader64<NativeEndian>>(&bytes, usize::from(count))
                .map_err(|()| self.malformed("section headers cut short"))?;
        let endian = NativeEndian;
        let names = match headers.get(usize::from(names_index)) {
            Some(names) => self.read(names.sh_offset.get(endian), names.sh_size.get(endian))?,
            None => Vec::new(),
        };
        Ok(headers
            .iter()
            .map(|header| Section {
                name: string_at(&names, header.sh_name.get(endian) as usize),
                kind: header.sh_type.get(endian),
                flags: header.sh_flags.get(endian),
                address: header.sh_addr.get(endian),
                offset: header.sh_offset.get(endian),
                size: header.sh_size.get(endian),
                link: header.sh_link.get(endian) as usize,
            })
            .collect())
    }
}

/// The terminated string at an offset of a string table; empty if there is none.
pub(super) fn string_at(strings: &[u8], offset: usize) -> String {
    let bytes = strings.get(offset..).unwrap_or_default();
    let length = bytes.iter().position(|byte| *byte == 0).unwrap_or(0);
    String::from_utf8_lossy(&bytes[..length]).into_owned()
}
