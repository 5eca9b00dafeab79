//! Compiles the contract without protoc, keeping source comments and custom options in the descriptor set.

use std::{env, error::Error, fs, path::PathBuf};

const FILES: [&str; 8] = [
    "bsm/api/v1/rule.proto",
    "bsm/registry/v1/registry.proto",
    "bsm/registry/v1/keys.proto",
    "bsm/knowledge/v1/knowledge.proto",
    "bsm/memory/v1/memory.proto",
    "bsm/models/v1/models.proto",
    "bsm/orchestrator/v1/orchestrator.proto",
    "bsm/ops/v1/ops.proto",
];

fn main() -> Result<(), Box<dyn Error>> {
    println!("cargo:rerun-if-changed=bsm");
    println!("cargo:rerun-if-changed=google");

    let mut compiler = protox::Compiler::new(["."])?;
    compiler.include_imports(true).include_source_info(true).open_files(FILES)?;
    // The bytes must come from protox: prost's own types would drop the annotations.
    let out = PathBuf::from(env::var("OUT_DIR")?);
    fs::write(out.join("descriptors.bin"), compiler.encode_file_descriptor_set())?;

    // Documents that pass through are shared, not copied.
    const SHARED: [&str; 2] = [".bsm.models.v1.RelayRequest.body", ".bsm.models.v1.RelayResponse.body"];
    let builder = tonic_prost_build::configure().build_transport(true);
    let builder = SHARED.into_iter().fold(builder, |builder, field| builder.bytes(field));
    builder.compile_fds(compiler.file_descriptor_set())?;
    Ok(())
}
