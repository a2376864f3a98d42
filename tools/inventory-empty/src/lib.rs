//! An empty `inventory`: the registries that tract declares exist, and nothing is ever in them.
//!
//! In the real crate `submit!` makes a link-time constructor. On wasm those constructors are roots that the linker must keep, so tract's
//! optimiser, transforms and kernel routines, and through them every operator, stay in the module whatever the graph is: 3 to 4 MB of
//! code that the gateway compiles before it is ready. Pointsman runs operators of its own on tract's model and plan and looks nothing up
//! in a registry, so it loses nothing. Code that asks a registry finds it empty; nothing here fails at run time.

use core::convert::Infallible;
use core::iter::Empty;
use core::marker::PhantomData;
use core::ops::Deref;

/// A registry, as a value: call it or iterate over it, there is nothing in it.
#[allow(non_camel_case_types)]
pub enum iter<T: 'static> {
    /// Never built; it only carries the type.
    #[doc(hidden)]
    __Of(Infallible, PhantomData<T>),
    /// The value that `inventory::iter::<T>` names.
    #[doc(hidden)]
    iter,
}

// `iter` must be a type and a value at once. The enum above is the type; the variant, brought in by a glob that the enum shadows only as
// a type, is the value.
mod value {
    pub use crate::iter::iter;
}
#[doc(hidden)]
pub use value::*;

impl<T> Deref for iter<T> {
    type Target = fn() -> Empty<&'static T>;

    fn deref(&self) -> &Self::Target {
        &(core::iter::empty as fn() -> Empty<&'static T>)
    }
}

impl<T> IntoIterator for iter<T> {
    type Item = &'static T;
    type IntoIter = Empty<&'static T>;

    fn into_iter(self) -> Self::IntoIter {
        core::iter::empty()
    }
}

/// Declares a registry for a type: needs nothing.
#[macro_export]
macro_rules! collect {
    ($of:ty) => {};
}

/// Would register a value; here it is dropped before it becomes code.
#[macro_export]
macro_rules! submit {
    ($($value:tt)*) => {};
}
