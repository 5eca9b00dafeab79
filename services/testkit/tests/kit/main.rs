//! Each behaviour, over real sockets. A fault that does not fire would make every test above it worthless.

mod client;
mod provider;
