//! A compiled module, made once a process: compiling takes seconds, a VM of it milliseconds.

use std::env;
use std::fs;
use std::path::{Path, PathBuf};
use std::sync::OnceLock;
use wasmtime::{Config, Engine};

/// A module that VMs can be made of.
#[derive(Clone)]
pub struct Module {
    pub(crate) engine: Engine,
    pub(crate) compiled: wasmtime::Module,
    size: usize,
}

impl Module {
    /// Compiles a module.
    pub fn new(bytes: &[u8]) -> Result<Module, String> {
        let mut config = Config::new();
        config.consume_fuel(true);
        let engine = Engine::new(&config).map_err(|error| format!("there is no wasm engine: {error:#}"))?;
        let compiled =
            wasmtime::Module::new(&engine, bytes).map_err(|error| format!("the module does not compile: {error:#}"))?;
        Ok(Module { engine, compiled, size: bytes.len() })
    }

    /// The module that was built: the one that `POINTSMAN_WASM` names, else `dist/pointsman.wasm`, else what cargo built last.
    pub fn built() -> Result<&'static Module, String> {
        static BUILT: OnceLock<Result<Module, String>> = OnceLock::new();
        BUILT
            .get_or_init(|| {
                let path = path()?;
                let bytes = fs::read(&path).map_err(|error| format!("{}: {error}", path.display()))?;
                Module::new(&bytes)
            })
            .as_ref()
            .map_err(Clone::clone)
    }

    /// Its size in bytes, before it was compiled.
    pub fn size(&self) -> usize {
        self.size
    }

    /// What it imports, as `module.name`, in order of the alphabet.
    pub fn imports(&self) -> Vec<String> {
        let mut names: Vec<String> =
            self.compiled.imports().map(|import| format!("{}.{}", import.module(), import.name())).collect();
        names.sort_unstable();
        names
    }

    /// What it exports, in order of the alphabet.
    pub fn exports(&self) -> Vec<String> {
        let mut names: Vec<String> = self.compiled.exports().map(|export| export.name().to_owned()).collect();
        names.sort_unstable();
        names
    }
}

fn path() -> Result<PathBuf, String> {
    const NAME: &str = "wasm32-wasip1/wasm/pointsman_gateway.wasm";
    if let Some(named) = env::var_os("POINTSMAN_WASM") {
        let path = PathBuf::from(named);
        return if path.is_file() {
            Ok(path)
        } else {
            Err(format!("POINTSMAN_WASM names {}, which is no file: run ./build.sh wasm", path.display()))
        };
    }
    let root = Path::new(env!("CARGO_MANIFEST_DIR")).join("../..");
    let target = env::var_os("CARGO_TARGET_DIR").map_or_else(|| root.join("target"), PathBuf::from);
    [root.join("dist/pointsman.wasm"), target.join(NAME)]
        .into_iter()
        .find(|path| path.is_file())
        .ok_or_else(|| "the module is not built yet: run ./build.sh wasm".into())
}
