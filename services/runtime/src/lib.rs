//! What every process of the mesh does, so that a service is only its own logic.
//!
//! | room | what it knows |
//! |---|---|
//! | [`role`], [`settings`] | who this process is and how it is configured |
//! | [`process`] | what a role is given to run |
//! | [`listen`], [`server`] | the ports, the accept loop, the one server stack |
//! | [`client`] | the one client stack within the mesh |
//! | [`outside`] | the one client stack toward servers outside of it |
//! | [`call`], [`trace`] | what each hop hands on: correlation id, deadline, importance, trace |
//! | [`scopes`], [`admin_token`], [`api_key`], [`caller`], [`importance`] | who may call what, who did, and who comes first |
//! | [`status`], [`layer_status`] | how refusals are told on the wire |
//! | [`follow`] | caches that a watch stream keeps true |
//! | [`guards`], [`cache_view`], [`metrics`], [`ops`], [`health`], [`readiness`], [`degraded`], [`telemetry`] | what operators see |
//! | `alerts`, [`audit_log`] | whom changes are told to, and where they are written |
//! | [`drain`], [`signals`] | how it ends |
//! | [`flags`] | which share of calls runs under which guard |
//! | [`lan`], [`network`] | which addresses are local; ranges of addresses |
//! | [`folder`], [`sqlite`] | where it keeps state, and in which form |
//! | [`reload`], [`versions`] | files that are edited while it runs, and those who follow them |
//! | [`yaml`], [`diagnostic`] | files that people write, and what is wrong with them |
//! | [`json`], [`clock`], [`shown`](mod@shown) | the edges to JSON, to the wall clock and to the words of others |

pub mod admin_token;
mod alerts;
pub mod api_key;
pub mod audit_log;
pub mod cache_view;
pub mod call;
pub mod caller;
pub mod client;
pub mod clock;
mod cost;
pub mod degraded;
pub mod diagnostic;
pub mod drain;
mod egress_audit;
pub mod flags;
pub mod folder;
pub mod follow;
pub mod guards;
pub mod health;
pub mod importance;
pub mod json;
pub mod lan;
mod latency;
pub mod layer_status;
pub mod listen;
pub mod metrics;
pub mod neighbours;
pub mod network;
pub mod ops;
pub mod outside;
pub mod process;
pub mod readiness;
pub mod reload;
pub mod role;
pub mod scopes;
pub mod server;
pub mod settings;
pub mod shown;
pub mod signals;
pub mod sqlite;
pub mod status;
pub mod telemetry;
pub mod trace;
pub mod versions;
pub mod yaml;
