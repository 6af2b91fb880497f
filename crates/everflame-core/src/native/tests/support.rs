//! Captured stacks, and small C libraries with a known content.

use std::ffi::{CString, c_void};
use std::path::{Path, PathBuf};
use std::process::Command;
use std::sync::atomic::{AtomicU32, Ordering};
use std::sync::{Mutex, MutexGuard, PoisonError};

use crate::native::{Modules, RED_ZONE, Registers, StackCopy, UnwindEnd, Unwinder, UnwoundFrame};

/// Registers and stack of a thread at one moment.
pub(super) struct Captured {
    pub(super) registers: Registers,
    start: u64,
    bytes: Vec<u8>,
}

impl Captured {
    /// Captures the calling function's own state, with the stack up to the thread's first frame.
    #[inline(never)]
    pub(super) fn here() -> Self {
        let registers = registers();
        let start = (registers.sp & !7) - RED_ZONE;
        let length = (stack_end() - start) as usize;
        // SAFETY: from the stack pointer (and the red zone below) to the stack's end all is readable.
        let bytes = unsafe { std::slice::from_raw_parts(start as *const u8, length) };
        Self {
            registers,
            start,
            bytes: bytes.to_vec(),
        }
    }

    pub(super) fn stack(&self) -> StackCopy<'_> {
        self.first(self.bytes.len())
    }

    /// As if only so many bytes had been copied.
    pub(super) fn first(&self, length: usize) -> StackCopy<'_> {
        StackCopy {
            sp: self.start,
            bytes: &self.bytes[..length],
        }
    }

    pub(super) fn unwind(
        &self,
        unwinder: &mut Unwinder,
        modules: &Modules,
    ) -> (Vec<UnwoundFrame>, UnwindEnd) {
        let mut frames = Vec::new();
        let end = unwinder.unwind(
            modules,
            self.registers,
            &self.stack(),
            &|_| false,
            &mut frames,
        );
        (frames, end)
    }
}

#[cfg(target_arch = "x86_64")]
#[inline(always)]
fn registers() -> Registers {
    let (pc, sp, fp): (u64, u64, u64);
    // SAFETY: only copies registers.
    unsafe {
        std::arch::asm!(
            "lea {pc}, [rip]", "mov {sp}, rsp", "mov {fp}, rbp",
            pc = out(reg) pc, sp = out(reg) sp, fp = out(reg) fp,
            options(nomem, nostack, preserves_flags),
        );
    }
    Registers { pc, sp, fp, lr: 0 }
}

#[cfg(target_arch = "aarch64")]
#[inline(always)]
fn registers() -> Registers {
    let (pc, sp, fp, lr): (u64, u64, u64, u64);
    // SAFETY: only copies registers.
    unsafe {
        std::arch::asm!(
            "adr {pc}, .", "mov {sp}, sp", "mov {fp}, x29", "mov {lr}, x30",
            pc = out(reg) pc, sp = out(reg) sp, fp = out(reg) fp, lr = out(reg) lr,
            options(nomem, nostack, preserves_flags),
        );
    }
    Registers { pc, sp, fp, lr }
}

fn stack_end() -> u64 {
    let mut start = std::ptr::null_mut();
    let mut size = 0;
    // SAFETY: all pointers lead to locals; the attributes are destroyed after use.
    unsafe {
        let mut attributes = std::mem::zeroed();
        assert_eq!(
            libc::pthread_getattr_np(libc::pthread_self(), &raw mut attributes),
            0
        );
        assert_eq!(
            libc::pthread_attr_getstack(&raw const attributes, &raw mut start, &raw mut size),
            0
        );
        libc::pthread_attr_destroy(&raw mut attributes);
    }
    start as u64 + size as u64
}

/// One test at a time loads libraries: else another's library could take the place of one that was just unloaded.
static LOADING: Mutex<()> = Mutex::new(());

/// A directory that goes away with the test. A test has one at most.
pub(super) struct Workspace {
    directory: PathBuf,
    _loading: MutexGuard<'static, ()>,
}

impl Workspace {
    pub(super) fn new() -> Self {
        static COUNT: AtomicU32 = AtomicU32::new(0);
        let number = COUNT.fetch_add(1, Ordering::Relaxed);
        let path =
            std::env::temp_dir().join(format!("everflame-native-{}-{number}", std::process::id()));
        std::fs::create_dir_all(&path).expect("a writable temporary directory");
        Self {
            directory: path.canonicalize().expect("the directory just made"),
            // A test that failed before leaves nothing behind that matters here.
            _loading: LOADING.lock().unwrap_or_else(PoisonError::into_inner),
        }
    }

    pub(super) fn path(&self, name: &str) -> PathBuf {
        self.directory.join(name)
    }

    /// Builds a shared library of C (or, with another extension, assembler) source.
    pub(super) fn build(
        &self,
        name: &str,
        source_name: &str,
        source: &str,
        options: &[&str],
    ) -> PathBuf {
        let source_path = self.path(source_name);
        std::fs::write(&source_path, source).expect("a writable temporary directory");
        let library = self.path(name);
        let base = [
            "-shared",
            "-fPIC",
            "-O2",
            "-fomit-frame-pointer",
            "-fasynchronous-unwind-tables",
            "-o",
        ];
        run(Command::new("cc")
            .args(base)
            .arg(&library)
            .arg(&source_path)
            .args(options));
        library
    }
}

impl Drop for Workspace {
    fn drop(&mut self) {
        std::fs::remove_dir_all(&self.directory).expect("the workspace can be removed");
    }
}

pub(super) fn run(command: &mut Command) {
    let output = command.output().expect("the tool is installed");
    assert!(
        output.status.success(),
        "{command:?}: {}",
        String::from_utf8_lossy(&output.stderr)
    );
}

/// A library opened with `dlopen`.
pub(super) struct Library(*mut c_void);

impl Library {
    pub(super) fn open(path: &Path) -> Self {
        let name = CString::new(path.to_str().expect("a plain path")).expect("a plain path");
        // SAFETY: the test libraries have no initialisers of their own.
        let handle = unsafe { libc::dlopen(name.as_ptr(), libc::RTLD_NOW | libc::RTLD_LOCAL) };
        assert!(!handle.is_null(), "cannot open {}", path.display());
        Self(handle)
    }

    pub(super) fn address(&self, symbol: &str) -> u64 {
        let name = CString::new(symbol).expect("a plain name");
        // SAFETY: the handle is open while `self` lives.
        let address = unsafe { libc::dlsym(self.0, name.as_ptr()) };
        assert!(!address.is_null(), "no symbol {symbol}");
        address as u64
    }
}

impl Drop for Library {
    fn drop(&mut self) {
        // SAFETY: opened by `open`, closed once.
        unsafe { libc::dlclose(self.0) };
    }
}
