//! What can be typed, and the help that explains it.

use std::net::Ipv6Addr;

use clap::{Args, Parser, Subcommand};

use bsm_testkit::{Fault, github::Access};

use crate::{behaviour::Behaviour, help};

/// The command line.
#[derive(Debug, Parser)]
#[command(name = "bsm-testkit", version, about = help::ABOUT, after_help = help::EXAMPLES)]
pub(crate) struct Cli {
    #[command(subcommand)]
    pub command: Command,
    /// The port for control; 0 takes a free one
    #[arg(long, global = true, default_value_t = 0, value_name = "PORT")]
    pub control_port: u16,
}

/// What to be.
#[derive(Debug, Subcommand)]
pub(crate) enum Command {
    /// A model provider: OpenAI chat and embeddings, Anthropic, Gemini, Cohere, each on its own paths
    #[command(after_help = help::PROVIDER)]
    Provider(Provider),
    /// A GitHub: pull requests, reviews, comments, labels, checks, statuses, merges
    #[command(after_help = help::GITHUB)]
    Github(Github),
    /// A TCP proxy that spoils connections and proves it
    #[command(after_help = help::PROXY)]
    Proxy(Proxy),
}

#[derive(Args, Debug)]
pub(crate) struct Provider {
    /// The port; 0 takes a free one
    #[arg(long, default_value_t = 0)]
    pub port: u16,
    /// Keep counts only and no calls, for load
    #[arg(long)]
    pub counts_only: bool,
    #[command(flatten)]
    pub behaviour: Behaviour,
}

#[derive(Args, Debug)]
pub(crate) struct Github {
    /// The port; 0 takes a free one
    #[arg(long, default_value_t = 0)]
    pub port: u16,
    /// A token that is good, and whose it is; may be given again
    #[arg(long = "token", value_name = "TOKEN=LOGIN", default_value = "token=bsm-bot", value_parser = token)]
    pub tokens: Vec<(String, String)>,
    /// What the tokens may do: read or write
    #[arg(long, default_value = "write", value_parser = access)]
    pub access: Access,
    /// An open pull request and its diff; may be given again
    #[arg(long = "pull", value_name = "OWNER/NAME#NUMBER=FILE", value_parser = pull)]
    pub pulls: Vec<Pull>,
}

/// A pull request to begin with.
#[derive(Clone, Debug, PartialEq)]
pub(crate) struct Pull {
    pub repo: String,
    pub number: u64,
    pub file: String,
}

#[derive(Args, Debug)]
pub(crate) struct Proxy {
    /// The port; 0 takes a free one
    #[arg(long, default_value_t = 0)]
    pub port: u16,
    /// Where connections go
    #[arg(long, value_name = "HOST:PORT", value_parser = target)]
    pub to: String,
    /// The fault to begin with, such as latency=200ms,down.bandwidth=10k; see below
    #[arg(long, default_value = "none", value_name = "FAULT")]
    pub fault: Fault,
    /// Where jitter is drawn from
    #[arg(long, default_value_t = 0)]
    pub seed: u64,
}

fn target(text: &str) -> Result<String, String> {
    let parsed = text.rsplit_once(':').filter(|(host, port)| {
        let bare = host.strip_prefix('[').and_then(|host| host.strip_suffix(']'));
        let host_is_good = match bare {
            Some(address) => address.parse::<Ipv6Addr>().is_ok(),
            None => !host.is_empty() && !host.contains([':', '/', '@', ' ']),
        };
        host_is_good && port.parse::<u16>().is_ok_and(|port| port > 0)
    });
    parsed
        .map(|_| text.to_owned())
        .ok_or_else(|| "write a host and a port, such as 127.0.0.1:50051".to_owned())
}

fn token(text: &str) -> Result<(String, String), String> {
    let parts = text.split_once('=').filter(|(token, login)| !token.is_empty() && !login.is_empty());
    let (token, login) = parts.ok_or("write a token and whose it is, such as secret=bsm-bot")?;
    Ok((token.to_owned(), login.to_owned()))
}

fn access(text: &str) -> Result<Access, String> {
    match text {
        "read" => Ok(Access::Read),
        "write" => Ok(Access::Write),
        _ => Err("write read or write".to_owned()),
    }
}

fn pull(text: &str) -> Result<Pull, String> {
    let parse = || {
        let (place, file) = text.split_once('=')?;
        let (repo, number) = place.split_once('#')?;
        repo.split_once('/')?;
        Some(Pull { repo: repo.to_owned(), number: number.parse().ok()?, file: file.to_owned() })
    };
    parse()
        .ok_or_else(|| "write a repository, a number and a file, such as octo/shop#12=change.diff".to_owned())
}

#[cfg(test)]
mod tests {
    use clap::CommandFactory;

    use super::*;

    #[test]
    fn the_command_line_is_sound() {
        Cli::command().debug_assert();
    }

    #[test]
    fn what_cannot_be_read_is_refused_with_an_example() {
        let parsed = pull("octo/shop#12=a.diff").unwrap();
        assert_eq!(parsed, Pull { repo: "octo/shop".into(), number: 12, file: "a.diff".into() });
        for text in ["", "shop#1=a", "octo/shop=a", "octo/shop#x=a", "octo/shop#1"] {
            assert!(pull(text).unwrap_err().contains("octo/shop#12=change.diff"), "{text}");
        }
        for text in ["", "nonsense", "a:", ":1", "a:0", "a:65536", "http://a:1", "::1:1", "[x]:1"] {
            assert!(target(text).unwrap_err().contains("127.0.0.1:50051"), "{text}");
        }
        for text in ["127.0.0.1:1", "[::1]:1", "registry:50051"] {
            assert_eq!(target(text).unwrap(), text);
        }
        assert!(token("secret").unwrap_err().contains("secret=bsm-bot"));
    }
}
