//! Readable names of C++ and Rust symbols.

use cpp_demangle::{DemangleOptions, ParseOptions, Symbol};

/// Nesting that the C++ demangler follows; deeper names stay mangled instead of exhausting the thread's stack.
const RECURSION_LIMIT: u32 = 96;

/// Marks that compilers append to a copy of a function after a dot, and whether a number always follows. GCC and Clang
/// write them; any other dot belongs to the name, as in Go's `runtime.mallocgc`.
const CLONE_MARKS: [(&str, bool); 9] = [
    ("cold", false),
    ("localalias", false),
    ("part", true),
    ("constprop", true),
    ("isra", true),
    ("lto_priv", true),
    ("llvm", true),
    ("clone", true),
    ("__uniq", true),
];

/// Turns a symbol into the name a reader knows: C++ without parameters and return type, Rust without hash, all
/// without the compiler's clone marks (`.cold`, `.constprop.0`). Any other name is returned as it is.
#[must_use]
pub fn demangle(symbol: &str) -> String {
    let plain = without_clone_marks(without_version(symbol));
    if is_rust(plain)
        && let Ok(name) = rustc_demangle::try_demangle(plain)
    {
        return format!("{name:#}");
    }
    if plain.starts_with("_Z") {
        return demangle_cpp(plain).unwrap_or_else(|| plain.to_owned());
    }
    plain.to_owned()
}

fn demangle_cpp(symbol: &str) -> Option<String> {
    let parse = ParseOptions::default().recursion_limit(RECURSION_LIMIT);
    let parsed = Symbol::new_with_options(symbol, &parse).ok()?;
    let options = DemangleOptions::new()
        .no_params()
        .no_return_type()
        .recursion_limit(RECURSION_LIMIT);
    parsed.demangle_with_options(&options).ok()
}

/// `malloc@@GLIBC_2.2.5` is `malloc`.
fn without_version(symbol: &str) -> &str {
    symbol.split_once('@').map_or(symbol, |(name, _)| name)
}

/// `run.constprop.0.cold` is `run`.
fn without_clone_marks(symbol: &str) -> &str {
    let mut plain = symbol;
    while let Some((before, last)) = plain.rsplit_once('.') {
        let numbered = !last.is_empty() && last.bytes().all(|digit| digit.is_ascii_digit());
        let (name, mark) = if numbered {
            before.rsplit_once('.').unwrap_or_default()
        } else {
            (before, last)
        };
        let known = CLONE_MARKS
            .iter()
            .any(|(text, counted)| *text == mark && (numbered || !counted));
        if !known || name.is_empty() {
            break;
        }
        plain = name;
    }
    plain
}

/// The v0 scheme begins with `_R`; the legacy one is C++'s with a hash of 16 digits as the last component.
fn is_rust(symbol: &str) -> bool {
    if symbol.starts_with("_R") {
        return true;
    }
    // The last one: a name may itself have 17 letters of which `h` is the first.
    let Some(at) = symbol.rfind("17h") else {
        return false;
    };
    let hash = symbol.as_bytes().get(at + 3..at + 20);
    symbol.starts_with("_ZN")
        && hash.is_some_and(|hash| hash[..16].iter().all(u8::is_ascii_hexdigit) && hash[16] == b'E')
}

#[cfg(test)]
mod tests {
    use super::demangle;

    #[test]
    fn names_read_as_in_the_source() {
        for (symbol, name) in [
            (
                "_ZN4node6crypto9PBKDF2Job10DeriveBitsEv",
                "node::crypto::PBKDF2Job::DeriveBits",
            ),
            (
                "_ZN2v88internal4Heap14CollectGarbageENS0_15AllocationSpaceENS0_23GarbageCollectionReasonENS_15GCCallbackFlagsE",
                "v8::internal::Heap::CollectGarbage",
            ),
            (
                "_ZN4node12_GLOBAL__N_13runEPKc",
                "node::(anonymous namespace)::run",
            ),
            (
                "_ZNSt6vectorIiSaIiEE9push_backERKi",
                "std::vector<int, std::allocator<int> >::push_back",
            ),
            ("_Z3addIiET_S0_S0_", "add<int>"),
            ("_ZN4node3FooC2Ev", "node::Foo::Foo"),
            ("_ZN4node3FooD0Ev", "node::Foo::~Foo"),
            ("_ZNK4node3FoocvbEv", "node::Foo::operator bool"),
            ("_ZN4node3runEv.part.0", "node::run"),
            ("_ZN4node3runEv.actor", "node::run"),
            ("_ZN4node3runEv.constprop.0.cold", "node::run"),
            (
                "_ZN4core3fmt9Formatter3pad17h0123456789abcdefE",
                "core::fmt::Formatter::pad",
            ),
            (
                "_ZN45_$LT$T$u20$as$u20$alloc..string..ToString$GT$9to_string17h0123456789abcdefE",
                "<T as alloc::string::ToString>::to_string",
            ),
            (
                "_ZN6server17handle_connection17h0123456789abcdefE",
                "server::handle_connection",
            ),
            (
                "_ZN4core9panicking5panic17h0123456789abcdefE.cold",
                "core::panicking::panic",
            ),
            (
                "_ZN4core9panicking5panic17h0123456789abcdefE.llvm.1234567890",
                "core::panicking::panic",
            ),
            ("_RNvC6_123foo3bar", "123foo::bar"),
            ("_RNvC6_123foo3bar.cold.1", "123foo::bar"),
            ("runtime.mallocgc", "runtime.mallocgc"),
            ("main.(*Server).Serve.func1", "main.(*Server).Serve.func1"),
            ("main.part", "main.part"),
            ("counter.123", "counter.123"),
            ("deflate.isra.0.constprop.2", "deflate"),
            ("inflate.part.0.lto_priv.1", "inflate"),
            ("inflate.llvm.17", "inflate"),
            (".cold", ".cold"),
            ("malloc@@GLIBC_2.2.5", "malloc"),
            ("Builtins_ArrayMap", "Builtins_ArrayMap"),
            ("sha512_block_data_order.cold", "sha512_block_data_order"),
            (".hidden", ".hidden"),
            ("_Znonsense", "_Znonsense"),
            ("", ""),
        ] {
            assert_eq!(demangle(symbol), name, "{symbol}");
        }
    }
}
