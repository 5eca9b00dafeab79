//! The mesh's contract: messages, clients and servers of `bsm.*.v1`, and the descriptor set they come from.
//!
//! Nothing else lives here. The proto files are the single source of gRPC, REST routes and authorisation.

/// The descriptor set of all files, imports, comments and custom options included.
pub const DESCRIPTORS: &[u8] = include_bytes!(concat!(env!("OUT_DIR"), "/descriptors.bin"));

/// Declares the module tree of one generated package.
macro_rules! package {
    ($(#[$doc:meta])* $area:ident, $name:literal) => {
        $(#[$doc])*
        pub mod $area {
            /// The first version of this package.
            #[allow(missing_docs, unreachable_pub, clippy::all, clippy::unwrap_used)]
            pub mod v1 {
                tonic::include_proto!($name);
            }
        }
    };
}

package!(
    /// Rights and HTTP details of an rpc.
    api,
    "bsm.api.v1"
);
package!(
    /// Agents and their governance.
    registry,
    "bsm.registry.v1"
);
package!(
    /// Documents.
    knowledge,
    "bsm.knowledge.v1"
);
package!(
    /// Past reviews and decisions.
    memory,
    "bsm.memory.v1"
);
package!(
    /// The model gateway.
    models,
    "bsm.models.v1"
);
package!(
    /// Jobs, steps, decisions.
    orchestrator,
    "bsm.orchestrator.v1"
);
package!(
    /// Operating a process and the mesh.
    ops,
    "bsm.ops.v1"
);
