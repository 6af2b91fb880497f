fn main() {
    napi_build::setup();
    // As `strip` in Cargo.toml would.
    if std::env::var("PROFILE").as_deref() == Ok("release") {
        println!("cargo::rustc-link-arg-cdylib=-Wl,--strip-all");
    }
}
