//! ListJobs, GetJob, GetJobReport.

use bsm_proto::orchestrator::v1::{
    GetJobReportRequest, GetJobReportResponse, GetJobRequest, GetJobResponse, GetLastRunRequest,
    GetLastRunResponse, ListJobsRequest, ListJobsResponse,
};

use super::wire;
use crate::{
    engine::Engine,
    error::Error,
    job::{JobId, JobState},
    journal::Filter,
};

/// Jobs on a page, unless the request says, and at most.
const PAGE: u32 = 50;
const LARGEST_PAGE: u32 = 500;

pub(super) async fn list(engine: &Engine, request: ListJobsRequest) -> Result<ListJobsResponse, Error> {
    let filter = filter(request)?;
    let limit = filter.limit;
    // One more than asked for says whether there is another page.
    let mut jobs = engine.journal().jobs(Filter { limit: limit + 1, ..filter }).await?;
    let more = jobs.len() > limit as usize;
    jobs.truncate(limit as usize);
    let next_page_token = jobs.last().filter(|_| more).map(|job| job.id.to_string()).unwrap_or_default();
    Ok(ListJobsResponse { jobs: jobs.into_iter().map(wire::line).collect(), next_page_token })
}

fn filter(request: ListJobsRequest) -> Result<Filter, Error> {
    let limit = request.limit.unwrap_or(PAGE);
    if !(1..=LARGEST_PAGE).contains(&limit) {
        return Err(invalid("limit", format!("must be from 1 to {LARGEST_PAGE}")));
    }
    let given = |text: Option<String>| text.filter(|text| !text.is_empty());
    let state: Option<Result<JobState, _>> = given(request.status).map(|status| status.parse());
    let state = state.transpose().map_err(|err| invalid("status", format!("is unknown: {err}")))?;
    let before: Option<Result<JobId, _>> = given(request.page_token).map(|token| token.parse());
    let before = before
        .transpose()
        .map_err(|_| invalid("page_token", "must be the nextPageToken of a page before".into()))?;
    Ok(Filter { state, event: given(request.event), before, limit })
}

fn invalid(field: &'static str, problem: String) -> Error {
    Error::InvalidField { field, problem }
}

pub(super) async fn get(engine: &Engine, request: GetJobRequest) -> Result<GetJobResponse, Error> {
    let job = engine.journal().job(id(&request.job_id)?).await?;
    let waiting_for = engine.waiting_for(job.id, job.state);
    Ok(GetJobResponse { job: Some(wire::job(&job, waiting_for)) })
}

pub(super) async fn report(
    engine: &Engine,
    request: GetJobReportRequest,
) -> Result<GetJobReportResponse, Error> {
    let id = id(&request.job_id)?;
    let (report, file) = engine.journal().report(id).await?.ok_or(Error::ReportNotReady(id))?;
    Ok(GetJobReportResponse { job_id: id.to_string(), report, report_file: file.unwrap_or_default() })
}

pub(super) async fn last_run(
    engine: &Engine,
    request: GetLastRunRequest,
) -> Result<GetLastRunResponse, Error> {
    let found = engine.journal().last_run(request.agent_id).await?;
    let (job_id, step) = found.map(|(job, step)| (job.to_string(), wire::step(&step))).unzip();
    Ok(GetLastRunResponse { job_id: job_id.unwrap_or_default(), step })
}

/// A text that cannot be an id names no job.
pub(super) fn id(text: &str) -> Result<JobId, Error> {
    text.parse().map_err(|_| Error::UnknownJob(text.chars().take(64).collect()))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_list_without_wishes_is_a_page_of_fifty() {
        let filter = filter(ListJobsRequest::default()).unwrap();
        assert_eq!((filter.limit, filter.state, filter.before), (50, None, None));
    }

    #[test]
    fn wishes_that_mean_nothing_are_refused_by_name() {
        for (request, expected) in [
            (ListJobsRequest { limit: Some(0), ..Default::default() }, "limit"),
            (ListJobsRequest { limit: Some(501), ..Default::default() }, "limit"),
            (ListJobsRequest { status: Some("done".into()), ..Default::default() }, "status"),
            (ListJobsRequest { page_token: Some("2".into()), ..Default::default() }, "page_token"),
        ] {
            assert!(matches!(filter(request), Err(Error::InvalidField { field, .. }) if field == expected));
        }
    }
}
