//! Which messages a rule heeds, by who sent them to whom and by what they are: rules are asked of no others.

use crate::call::{Leg, Recognition, Start};
use crate::flow::Course;
use crate::proto::sip::Method;
use smallvec::SmallVec;

/// Whom a message goes to.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Towards {
    /// Microsoft, from another end.
    Microsoft,
    /// Another end, from Microsoft.
    Sbc,
    /// It passes between two ends of Microsoft's, or between none.
    Elsewhere,
}

/// What a response says, as far as rules are told apart by it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Answer {
    /// 100.
    Trying,
    /// 101 to 199.
    Progress,
    /// 2xx.
    Ok,
    /// From 300 on.
    Refused,
    /// Its status is not three digits.
    Unread,
}

/// Bits of the kinds of messages.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Heeds {
    towards: u8,
    /// Methods of requests.
    requests: u16,
    /// Methods of the CSeq of responses, and what these say.
    responses: u16,
    answers: u8,
}

impl Heeds {
    /// All messages.
    pub const ALL: Self = Self { towards: 7, requests: u16::MAX, responses: u16::MAX, answers: u8::MAX };
    /// What the SBC sends to Microsoft.
    pub const FROM_SBC: Self = Self { towards: 1 << Towards::Microsoft as u8, ..Self::ALL };
    /// What Microsoft sends.
    pub const FROM_MICROSOFT: Self = Self { towards: 1 << Towards::Sbc as u8, ..Self::ALL };
    /// What passes between the SBC and Microsoft.
    pub const BETWEEN: Self = Self { towards: Self::FROM_SBC.towards | Self::FROM_MICROSOFT.towards, ..Self::ALL };

    /// Requests of these methods only.
    pub const fn requests(self, methods: &[Method]) -> Self {
        Self { requests: bits(methods), responses: 0, ..self }
    }

    /// Any requests, and no responses.
    pub const fn any_request(self) -> Self {
        Self { responses: 0, ..self }
    }

    /// No ACK and no CANCEL: they repeat what their INVITE says.
    pub const fn but_repeats(self) -> Self {
        Self { requests: self.requests & !bits(&[Method::Ack, Method::Cancel]), ..self }
    }

    /// And responses to these methods that say this.
    pub const fn and_answers(self, methods: &[Method], answers: &[Answer]) -> Self {
        let (mut at, mut said) = (0, 0);
        while at < answers.len() {
            said |= 1 << answers[at] as u8;
            at += 1;
        }
        Self { responses: bits(methods), answers: said, ..self }
    }

    /// A message that goes this way and begins so may be of interest.
    pub fn takes(self, towards: Towards, start: Start) -> bool {
        let method = 1 << start.method as u16;
        self.towards & 1 << towards as u8 != 0
            && match start.is_request {
                true => self.requests & method != 0,
                false => self.responses & method != 0 && self.answers & 1 << answer(start) as u8 != 0,
            }
    }
}

const fn bits(methods: &[Method]) -> u16 {
    let (mut at, mut bits) = (0, 0);
    while at < methods.len() {
        bits |= 1 << methods[at] as u16;
        at += 1;
    }
    bits
}

/// What a response says.
pub fn answer(start: Start) -> Answer {
    match start.status {
        None => Answer::Unread,
        Some(..=100) => Answer::Trying,
        Some(101..=199) => Answer::Progress,
        Some(200..=299) => Answer::Ok,
        Some(300..) => Answer::Refused,
    }
}

/// Whom messages of a course go to.
pub fn towards(course: &Course, recognition: &Recognition) -> Towards {
    let is = |end, other| recognition.is_microsoft(end, other);
    match (is(course.dst, course.src), is(course.src, course.dst)) {
        (true, false) => Towards::Microsoft,
        (false, true) => Towards::Sbc,
        _ => Towards::Elsewhere,
    }
}

/// Courses of a leg that are remembered; messages of further ones are looked at one by one.
const MOST_COURSES: usize = 8;

/// A course, and whom its messages go to.
pub type Bound<'l> = (&'l Course, Towards);

/// Whom the messages of a leg go to, by course: nearly all share a few.
pub fn courses<'l>(leg: &'l Leg, recognition: &Recognition) -> SmallVec<[Bound<'l>; 4]> {
    let mut courses: SmallVec<[Bound<'l>; 4]> = SmallVec::new();
    for course in leg.messages.iter().map(|message| message.message.course()) {
        if courses.len() < MOST_COURSES && known(&courses, course).is_none() {
            courses.push((course, towards(course, recognition)));
        }
    }
    courses
}

/// Whom messages of this very course go to, if it is among those known.
#[inline]
pub fn known(courses: &[Bound<'_>], course: &Course) -> Option<Towards> {
    courses.iter().find(|(known, _)| std::ptr::eq(*known, course)).map(|(_, towards)| *towards)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_not_named_is_not_taken() {
        let start = |is_request, method, status| Start { is_request, method, status, has_to_tag: false };
        let heeds = Heeds::FROM_SBC.requests(&[Method::Invite]).and_answers(&[Method::Invite], &[Answer::Progress, Answer::Ok]);
        let taken = |towards, is_request, method, status| heeds.takes(towards, start(is_request, method, status));
        assert!(taken(Towards::Microsoft, true, Method::Invite, None) && taken(Towards::Microsoft, false, Method::Invite, Some(200)));
        assert!(!taken(Towards::Sbc, true, Method::Invite, None) && !taken(Towards::Elsewhere, true, Method::Invite, None));
        assert!(!taken(Towards::Microsoft, true, Method::Bye, None) && !taken(Towards::Microsoft, false, Method::Bye, Some(200)));
        assert!(!taken(Towards::Microsoft, false, Method::Invite, Some(100)) && !taken(Towards::Microsoft, false, Method::Invite, None));
    }

    #[test]
    fn every_method_has_a_bit() {
        assert!((Method::Other as u16) < u16::BITS as u16);
        assert_eq!(Heeds::ALL.but_repeats().requests.count_zeros(), 2);
    }
}
