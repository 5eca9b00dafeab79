//! What each command's help says beside its options; the control port says the same to whoever is lost.

pub(crate) const ABOUT: &str = "Servers and faults that behave as told, for tests of a mesh.

Each command serves on 127.0.0.1 until it is interrupted, and is changed and asked over HTTP on a second port. The \
first line of its output is JSON that names both: {\"listening\": \"…\", \"control\": \"…\"}. What can be done on the \
second port is told by `bsm-testkit COMMAND --help`, and by GET / on it.";

pub(crate) const EXAMPLES: &str = "Examples:
  bsm-testkit provider --port 9000 --says 'Looks good.' --latency 20ms/200ms
  bsm-testkit provider --fail 429 --retry-after 999999 --nth 10
  bsm-testkit github --token t=bsm-bot --pull octo/shop#12=change.diff
  bsm-testkit proxy --to 127.0.0.1:50051 --fault down.latency=200ms,jitter=20ms

A fault between two services, switched at run time, with proof that it fired:
  bsm serve registry
  bsm-testkit proxy --port 15051 --to 127.0.0.1:50051 --control-port 15052
  BSM_REGISTRY_URL=http://127.0.0.1:15051 bsm serve gateway
  curl -X PUT -d black-hole http://127.0.0.1:15052/fault
  curl http://127.0.0.1:8080/api/agents/no-such-agent/status    fails, because of the fault
  curl -i http://127.0.0.1:8080/api/agents      the last list that was seen, if any, marked x-bsm-stale
  curl http://127.0.0.1:15052/fired             black-hole has fired
  curl -X DELETE http://127.0.0.1:15052/fault";

pub(crate) const PROVIDER: &str =
    "Served, by the end of the path: /chat/completions and /embeddings (OpenAI), \
/messages (Anthropic), :generateContent and :streamGenerateContent (Gemini), /v2/chat (Cohere).

Examples of faults:
  --hang                             no answer, not even its head
  --hang-after 3                     three chunks of a stream, then nothing
  --cut 1 --every 1s                 one byte a second
  --fail 429 --retry-after 999999    too many calls, and an absurd time to wait
  --fail 529                         overloaded
  --html                             a page of HTML with status 200
  --cut 40 --end-after 1             JSON that is cut off, as if it were whole
  --reset-after 3                    a TCP reset in the middle of a stream
  --endless 10000000000              10 GB, none of which is held in memory

Control, on the second port:
  GET    /behaviour    what is in force, in JSON: the names are those of the options without --, with the hyphens
                       (hang-after, without-usage); --call and --key, which may be given again, are the lists calls
                       and keys; null is an option that is not given
  PUT    /behaviour    another one; what is not named has its default
  PATCH  /behaviour    changes what is named, and nothing else; of several faults the first above is met
  DELETE /behaviour    back to the command line
  GET    /fired        200 and how many calls met the fault since it was set, or 409
  GET    /tally        how many calls there were, and how they ended
  GET    /calls        each of them (not with --counts-only)

  curl -X PATCH -d '{\"hang-after\": 2, \"nth\": 3}' http://127.0.0.1:CONTROL/behaviour
  curl -X PATCH -d '{\"hang-after\": null, \"latency\": \"20ms/200ms\", \"keys\": [\"sk-1\"]}' http://127.0.0.1:CONTROL/behaviour";

pub(crate) const GITHUB: &str = "Control, on the second port, all in JSON:
  PUT    /pulls         opens a pull request
      {\"repo\": \"octo/shop\", \"pull\": {\"number\": 12, \"title\": \"…\", \"author\": \"…\", \"diff\": \"…\"}}
  POST   /push          moves its head; with \"on\", when the next call of that kind comes in
      {\"repo\": \"octo/shop\", \"number\": 12, \"sha\": \"beef\", \"on\": {\"method\": \"PUT\", \"path\": \"/merge\"}}
  POST   /checks        adds a check run
      {\"repo\": \"octo/shop\", \"sha\": \"beef\", \"check\": {\"name\": \"ci\", \"status\": \"completed\", \"conclusion\": \"success\"}}
  POST   /troubles      what goes wrong with the next calls (of a kind)
      {\"times\": 2, \"trouble\": {\"status\": 502}, \"on\": {\"method\": \"PUT\", \"path\": \"/merge\"}}
      Troubles: {\"status\": 502}, {\"rate-limited\": \"60s\"}, {\"secondary-limit\": 30}, {\"late\": \"3s\"}, \"hangs\",
      \"resets\", \"loses-answer\" (it is done, and nobody hears of it), \"bad-gateway\" (HTML)
  PUT    /rate-limit    {\"remaining\": 0, \"reset_in\": \"60s\"}
  GET    /troubles      how many calls have met trouble
  GET    /pulls/OWNER/NAME/NUMBER, /calls, /merges";

pub(crate) const PROXY: &str =
    "Faults, with commas between them; after up. (towards the target) or down. (towards \
the client) in that direction only:
  latency=200ms       bytes arrive so much later
  jitter=20ms         and up to so much more, drawn anew for each read
  bandwidth=10k       bytes a second at most; k, M and G are thousands
  black-hole          nothing passes and connections stay open; what waits passes when it is healed
  reset-after=1000    a TCP reset to both ends after so many bytes more; 0 is at once
  slow-close=1s       the end of a connection is passed on so much later
  refuse              connecting is refused; connections that exist go on
  none

Control, on the second port:
  GET    /fault     what is in force
  PUT    /fault     another fault, for connections that exist and for new ones
  DELETE /fault     heals
  POST   /cut       resets every connection; with refuse, what a killed process looks like
  GET    /fired     200 if each part of the fault has done something, or 409 and what has not
  GET    /counts    connections, bytes and what was done to them so far

  curl -X PUT -d 'latency=200ms,down.bandwidth=10k' http://127.0.0.1:CONTROL/fault";
