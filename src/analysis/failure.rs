//! Why did this call fail? One paragraph: what was answered, what that means, the finding that explains it, and what to do.

use crate::call::{
    Call, CallOutcome, Leg, LegMessage, Reason, Transaction, explain,
    outcome::deciding,
    reason::{self, reasons, warnings},
};
use crate::finding::{Finding, Severity};
use crate::proto::sip::Method;
use crate::record::RecordId;
use crate::rules::{self, Page};

/// Says only what the answer says, which is what is to be explained.
const ANSWER: &str = "DR086";

/// The paragraph of a call that was refused, failed or got no answer.
pub fn why(call: &Call, findings: &[Finding]) -> Option<String> {
    matches!(call.outcome, Some(CallOutcome::Rejected | CallOutcome::Failed | CallOutcome::NoAnswer)).then_some(())?;
    let failed = call.legs.iter().filter_map(Failed::of);
    // Over several legs a refusal is handed on: who gave it first is its source.
    let failed = failed.min_by_key(|failed| failed.answer.map_or(u64::MAX, |answer| answer.message.seq().0))?;
    Some(failed.text(findings))
}

/// An INVITE that failed.
struct Failed<'a> {
    leg: &'a Leg,
    transaction: &'a Transaction,
    request: Option<&'a LegMessage>,
    answer: Option<&'a LegMessage>,
}

impl<'a> Failed<'a> {
    fn of(leg: &'a Leg) -> Option<Self> {
        let transaction = deciding(leg).filter(|transaction| transaction.method == Method::Invite)?;
        let answer = transaction.last.and_then(|idx| leg.message(idx));
        let is_failure = answer.is_none_or(|answer| answer.start.status.is_some_and(|status| status >= 400));
        let request = transaction.request.and_then(|idx| leg.message(idx));
        is_failure.then_some(Self { leg, transaction, request, answer })
    }

    fn text(&self, findings: &[Finding]) -> String {
        let cited: Vec<RecordId> = self.request.into_iter().chain(self.answer).map(|message| message.message.seen().id).collect();
        let is_on = |finding: &&Finding| finding.violation.evidence.iter().any(|evidence| cited.contains(&evidence.id));
        let explains = |finding: &&Finding| finding.violation.severity > Severity::Info && !finding.rule.starts_with(ANSWER);
        let mut fitting: Vec<&Finding> = findings.iter().filter(explains).filter(is_on).collect();
        fitting.sort_by_key(|finding| std::cmp::Reverse(finding.violation.severity));
        let (said, user, remedy) = match self.answer.and_then(|answer| Some((answer, answer.start.status?))) {
            Some((answer, status)) => self.answered(answer, status),
            None => (self.unanswered(), false, None),
        };
        let mut parts = vec![said];
        match fitting.split_first() {
            Some((first, others)) => {
                parts.push(format!("Explained by {}: {}", first.rule, first.violation.message));
                let mut also: Vec<&str> = others.iter().map(|finding| finding.rule.as_str()).filter(|rule| *rule != first.rule).collect();
                also.dedup();
                parts.extend((!also.is_empty()).then(|| format!("Also found: {}", also.join(", "))));
                parts.extend(rules::find(&first.rule).map(|rule| Page::of(rule.page).remedy));
            }
            None if user => parts.push("The outcome of the called side, and no fault".to_owned()),
            None => {
                parts.push("Not explained by any rule".to_owned());
                parts.extend(remedy.map(capitalised));
            }
        }
        parts.iter().map(|part| part.trim_end_matches('.')).collect::<Vec<_>>().join(". ") + "."
    }

    /// What was answered, whether that is the called side's doing, and what its codes advise.
    fn answered(&self, answer: &LegMessage, status: u16) -> (String, bool, Option<&'static str>) {
        let sip = answer.sip();
        let reasons = reasons(&sip);
        let mut said: Vec<String> = reasons.iter().filter_map(Reason::said).collect();
        said.extend(warnings(&sip).into_iter().map(|warning| format!("warning {} \"{}\"", warning.code, warning.text)));
        let said = if said.is_empty() { String::new() } else { format!(" ({})", said.join(", ")) };
        let explained = explain(status, &reasons);
        let text = format!(
            "{} answers {status} {}{said}: {}; usually {}",
            answer.message.src().ip(),
            sip.reason(),
            explained.meaning,
            explained.cause
        );
        let rang = self.transaction.provisional.iter().filter_map(|idx| self.leg.message(*idx));
        let rang = rang.into_iter().any(|message| message.start.status.is_some_and(|status| status > 100));
        (text, reason::is_user_outcome(status, &reasons, rang, self.leg.cancelled), Some(explained.remedy))
    }

    fn unanswered(&self) -> String {
        match self.request {
            Some(request) => {
                let (src, dst) = (request.message.src().ip(), request.message.dst().ip());
                format!("The INVITE of {src} gets no final answer from {dst} in this capture")
            }
            None => "No INVITE and no final answer of the call are in this capture".to_owned(),
        }
    }
}

fn capitalised(text: &str) -> String {
    let mut letters = text.chars();
    letters.next().map_or_else(String::new, |first| first.to_uppercase().collect::<String>() + letters.as_str())
}
