//! The gateway as clients see it: whole requests through the whole router, in front of services in this process.
