use super::*;

fn composer() -> (Composer, Tables) {
    let mut tables = Tables::new();
    let composer = Composer::new(&mut tables, &Options::default());
    (composer, tables)
}

impl Composer {
    /// The names of a sample's stack, leaf first.
    fn names(&mut self, tables: &mut Tables, header: &Header, frames: &[Frame]) -> Vec<String> {
        let payload: Vec<u8> = frames
            .iter()
            .flat_map(|frame| frame.word().to_le_bytes())
            .collect();
        let header = Header {
            frames: frames.len() as u16,
            ..*header
        };
        let stack = self.stack(tables, &header, &payload, None);
        let name = |frame: &FrameId| tables.function_name(*frame).to_owned();
        tables.frames_of(stack).iter().map(name).collect()
    }

    /// The name given to a native address.
    fn name(&mut self, tables: &mut Tables, address: u64) -> String {
        self.stack.clear();
        self.push_native(tables, address, Lookup::Exact);
        tables.function_name(self.stack[0]).to_owned()
    }
}

/// This executable's code, mapped a second time where `place` is.
struct SecondMapping {
    place: u64,
    length: usize,
}

impl SecondMapping {
    /// Reserves room for the code of the module that has `address`.
    fn reserve(composer: &Composer, address: u64) -> SecondMapping {
        let module = composer.modules.find(address).expect("own code");
        let length = (module.limit - module.start) as usize;
        let place = SecondMapping::nothing(std::ptr::null_mut(), length, 0);
        SecondMapping { place, length }
    }

    /// Memory that nobody may touch, so that no other test gets the room either.
    fn nothing(place: *mut libc::c_void, length: usize, flags: libc::c_int) -> u64 {
        let flags = flags | libc::MAP_PRIVATE | libc::MAP_ANONYMOUS;
        // SAFETY: fresh memory, or what this test has mapped before.
        let place = unsafe { libc::mmap(place, length, libc::PROT_NONE, flags, -1, 0) };
        assert_ne!(place, libc::MAP_FAILED);
        place as u64
    }

    fn unmap(&self) {
        let place = self.place as *mut libc::c_void;
        SecondMapping::nothing(place, self.length, libc::MAP_FIXED);
    }

    /// Where the copy of an address is.
    fn of(&self, composer: &Composer, address: u64) -> u64 {
        let module = composer.modules.find(address).expect("own code");
        self.place + (address - module.start)
    }

    fn map(&self, composer: &Composer, address: u64) {
        let module = composer.modules.find(address).expect("own code");
        let file = std::fs::File::open(&module.path).expect("the executable");
        // SAFETY: replaces memory that this test has reserved.
        let place = unsafe {
            libc::mmap(
                self.place as *mut libc::c_void,
                self.length,
                libc::PROT_READ | libc::PROT_EXEC,
                libc::MAP_PRIVATE | libc::MAP_FIXED,
                std::os::fd::AsRawFd::as_raw_fd(&file),
                module.file_offset as libc::off_t,
            )
        };
        assert_eq!(place as u64, self.place);
    }
}

impl Drop for SecondMapping {
    fn drop(&mut self) {
        // SAFETY: mapped by this test, referred to by nobody.
        unsafe { libc::munmap(self.place as *mut libc::c_void, self.length) };
    }
}

#[inline(never)]
fn first_function(value: u64) -> u64 {
    std::hint::black_box(value) + 1
}

#[inline(never)]
fn second_function(value: u64) -> u64 {
    std::hint::black_box(value) + 2
}

#[test]
fn an_address_without_a_name_is_named_once_its_code_is_found() {
    let (mut composer, mut tables) = composer();
    let [first, second] =
        [first_function, second_function].map(|function| function as *const () as u64);
    let mapping = SecondMapping::reserve(&composer, first);
    let [first, second] = [first, second].map(|address| {
        let copy = mapping.of(&composer, address);
        assert_eq!(composer.name(&mut tables, copy), "[unknown]");
        copy
    });
    mapping.map(&composer, first_function as *const () as u64);
    composer.rescanned = 0;
    let own = |name: &str| format!("{}::{name}", module_path!());
    // This look finds the mapping, which the loader does not count, for the other address too.
    assert_eq!(composer.name(&mut tables, second), own("second_function"));
    composer.refresh();
    assert_eq!(composer.name(&mut tables, first), own("first_function"));
}

#[test]
fn a_name_is_forgotten_when_a_look_finds_other_code_at_its_address() {
    let (mut composer, mut tables) = composer();
    let address = first_function as *const () as u64;
    let mapping = SecondMapping::reserve(&composer, address);
    let copy = mapping.of(&composer, address);
    mapping.map(&composer, address);
    composer.rescanned = 0;
    let own = format!("{}::first_function", module_path!());
    assert_eq!(composer.name(&mut tables, copy), own);
    mapping.unmap();
    composer.rescanned = 0;
    assert_eq!(composer.name(&mut tables, 0x10), "[unknown]");
    assert_eq!(composer.name(&mut tables, copy), "[unknown]");
}

#[test]
fn without_native_frames_a_native_stack_is_one_frame_that_says_so() {
    let (mut composer, mut tables) = composer();
    let leaf = first_function as *const () as u64;
    let caller = Frame::new(FrameKind::Native, second_function as *const () as u64 + 1);
    let header = Header {
        pc: leaf,
        flags: flags::BROKEN,
        ..Header::default()
    };
    let own = |name: &str| format!("{}::{name}", module_path!());
    assert_eq!(
        composer.names(&mut tables, &header, &[caller]),
        [own("first_function"), own("second_function")]
    );
    composer.configure(&Options {
        native_frames: false,
        ..Options::default()
    });
    for frames in [&[][..], &[caller], &[caller, caller]] {
        assert_eq!(composer.names(&mut tables, &header, frames), ["(native)"]);
    }
}

#[test]
fn what_a_map_of_code_cannot_tell_is_counted_once() {
    let (mut composer, mut tables) = composer();
    let nowhere = crate::v8::MemoryRange::default();
    let ranges = crate::v8::BuiltinRanges {
        embedded: nowhere,
        code_range: nowhere,
    };
    let mut map = CodeMap::new(&ranges, &std::sync::Arc::default());
    for from in [0x1000, 0x2000, 0x3000] {
        map.replay(crate::v8::CodeEvent::Moved { from, to: 0x9000 });
    }
    let before = COUNTERS.v8_unknown_moves.load(Ordering::Relaxed);
    for _ in 0..2 {
        let javascript = JavaScript {
            map: &mut map,
            ranges: CodeRanges::empty(),
        };
        composer.stack(&mut tables, &Header::default(), &[], Some(javascript));
        let counted = COUNTERS.v8_unknown_moves.load(Ordering::Relaxed) - before;
        assert_eq!(counted, 3);
    }
}
