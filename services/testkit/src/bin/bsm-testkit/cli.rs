//! What can be typed, and the help that explains it.

use clap::{Args, Parser, Subcommand};

use bsm_testkit::{Fault, github::Access};

use crate::behaviour::Behaviour;

const ABOUT: &str = "Servers and faults that behave as told, for tests of a mesh.

Each command serves on 127.0.0.1 until it is interrupted, and is changed and asked over HTTP on a second port. The \
first line of its output is JSON that names both: {\"listening\": \"…\", \"control\": \"…\"}.";

const EXAMPLES: &str = "Examples:
  bsm-testkit provider --port 9000 --says 'Looks good.' --latency 20ms/200ms
  bsm-testkit provider --fail 429 --retry-after 999999 --nth 10
  bsm-testkit github --token t=bsm-bot --pull octo/shop#12=change.diff
  bsm-testkit proxy --to 127.0.0.1:50051 --fault down.latency=200ms,jitter=20ms
  curl -X PUT -d black-hole http://127.0.0.1:CONTROL/fault";

/// The command line.
#[derive(Debug, Parser)]
#[command(name = "bsm-testkit", version, about = ABOUT, after_help = EXAMPLES)]
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
    #[command(
        after_help = "Control: GET and PUT /behaviour (JSON with the names of the options), GET /calls, GET /tally."
    )]
    Provider(Provider),
    /// A GitHub: pull requests, reviews, comments, labels, checks, statuses, merges
    #[command(
        after_help = "Control: PUT /pulls, POST /push, POST /checks, POST /troubles, PUT /rate-limit (all JSON), \
                            GET /pulls/OWNER/NAME/NUMBER, GET /calls, GET /merges."
    )]
    Github(Github),
    /// A TCP proxy that spoils connections and proves it
    #[command(
        after_help = "Control: GET, PUT and DELETE /fault (text as in --fault), POST /cut, GET /counts, GET /fired \
                            (409 while a part of the fault has done nothing)."
    )]
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
    #[arg(long, value_name = "HOST:PORT")]
    pub to: String,
    /// The fault to begin with: latency, jitter, bandwidth, black-hole, reset-after, slow-close, each also as up.… or
    /// down.…, and refuse
    #[arg(long, default_value = "none", value_name = "FAULT")]
    pub fault: Fault,
    /// Where jitter is drawn from
    #[arg(long, default_value_t = 0)]
    pub seed: u64,
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
        assert!(token("secret").unwrap_err().contains("secret=bsm-bot"));
    }
}
