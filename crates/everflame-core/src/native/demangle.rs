//! Readable names of C++ and Rust symbols.

use cpp_demangle::{DemangleOptions, ParseOptions, Symbol};

/// Nesting that the C++ demangler follows; deeper names stay mangled instead of exhausting the thread's stack.
const RECURSION_LIMIT: u32 = 96;

/// Turns a symbol into the name a reader knows: C++ without parameters and return type, Rust without hash, both
/// without the compiler's clone marks (`.cold`, `.constprop.0`). Any other name is returned as it is.
#[must_use]
pub fn demangle(symbol: &str) -> String {
    let plain = without_version(symbol);
    if is_rust(plain)
        && let Ok(name) = rustc_demangle::try_demangle(plain)
    {
        return format!("{name:#}");
    }
    if plain.starts_with("_Z") {
        return demangle_cpp(without_clone_marks(plain)).unwrap_or_else(|| plain.to_owned());
    }
    without_clone_marks(plain).to_owned()
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

/// Compilers append `.cold`, `.part.0`, `.isra.0`, `.constprop.0`, `.lto_priv.0`, `.llvm.123` to a copy of a function.
fn without_clone_marks(symbol: &str) -> &str {
    match symbol.find('.') {
        Some(at) if at > 0 => &symbol[..at],
        _ => symbol,
    }
}

/// The v0 scheme begins with `_R`; the legacy one is C++'s with a hash of 16 digits as the last component.
fn is_rust(symbol: &str) -> bool {
    if symbol.starts_with("_R") {
        return true;
    }
    let Some(at) = symbol.find("17h") else {
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
            ("_ZN4node3runEv.constprop.0.cold", "node::run"),
            (
                "_ZN4core3fmt9Formatter3pad17h0123456789abcdefE",
                "core::fmt::Formatter::pad",
            ),
            (
                "_ZN45_$LT$T$u20$as$u20$alloc..string..ToString$GT$9to_string17h0123456789abcdefE",
                "<T as alloc::string::ToString>::to_string",
            ),
            ("_RNvC6_123foo3bar", "123foo::bar"),
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
