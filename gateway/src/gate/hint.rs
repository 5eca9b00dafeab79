//! What a client can do that is not let in.

/// A token is configured.
pub(super) const TOKEN: &str = "Send an API key as Authorization: Bearer bsm_… or in the header x-api-key, or the \
                                operator's token in x-admin-token or as the password of Basic authentication. \
                                `bsm keys create NAME --scope read,invoke` makes a key, `bsm keys list` shows those \
                                that are valid.";

/// There is no token that could be shown.
pub(super) const NO_TOKEN: &str = "Send an API key as Authorization: Bearer bsm_… or in the header x-api-key; \
                                   `bsm keys create NAME --scope read,invoke` makes one, `bsm keys list` shows those \
                                   that are valid. No admin token is configured here: to use one in the header \
                                   x-admin-token, set ADMIN_TOKEN and start again.";

/// A page may have pointed its own name at this machine.
pub(super) const HOST: &str = "The Host header is the reason: without a token, this machine is let in under its own \
                               names only, such as localhost or 127.0.0.1.";

/// A page of somebody else's, in a browser on this machine.
pub(super) const ORIGIN: &str = "The Origin header is the reason: without a token, only pages of this machine and of \
                                 CORS_ORIGINS are let in.";
