//! Parameters of measures that are more than a cut-off.

use std::cmp::Ordering;
use std::fmt;
use std::hash::{Hash, Hasher};

/// A finite number that a measure takes, such as the persistence of RBP.
///
/// Equal when the numbers are, so that measures can be compared, sorted and looked up.
#[derive(Debug, Clone, Copy)]
pub struct Parameter(f64);

impl Parameter {
    /// `None` when `value` is NaN or infinite.
    pub const fn new(value: f64) -> Option<Self> {
        // Adding 0 turns -0 into 0, which is equal but has other bits.
        if value.is_finite() { Some(Self(value + 0.0)) } else { None }
    }

    /// The number.
    pub const fn get(self) -> f64 {
        self.0
    }

    pub(super) fn parse(text: &str) -> Option<Self> {
        Self::new(text.trim().parse().ok()?)
    }
}

impl PartialEq for Parameter {
    fn eq(&self, other: &Self) -> bool {
        self.0.to_bits() == other.0.to_bits()
    }
}

impl Eq for Parameter {}

impl PartialOrd for Parameter {
    fn partial_cmp(&self, other: &Self) -> Option<Ordering> {
        Some(self.cmp(other))
    }
}

impl Ord for Parameter {
    fn cmp(&self, other: &Self) -> Ordering {
        self.0.total_cmp(&other.0)
    }
}

impl Hash for Parameter {
    fn hash<H: Hasher>(&self, state: &mut H) {
        self.0.to_bits().hash(state);
    }
}

impl fmt::Display for Parameter {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Display::fmt(&self.0, f)
    }
}

/// Up to eleven numbers in order, the recall points of [`Measure::ElevenPoint`](super::Measure).
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Points {
    values: [Parameter; Points::MOST],
    count: u8,
}

impl Points {
    /// The most points there can be.
    pub const MOST: usize = 11;

    /// `None` for no point, more than [`Points::MOST`], or one that is not finite.
    pub const fn new(points: &[f64]) -> Option<Self> {
        if points.is_empty() || points.len() > Self::MOST {
            return None;
        }
        let mut values = [Parameter(0.0); Self::MOST];
        let mut n = 0;
        while n < points.len() {
            match Parameter::new(points[n]) {
                Some(point) => values[n] = point,
                None => return None,
            }
            n += 1;
        }
        Some(Self { values, count: points.len() as u8 })
    }

    /// The points, in order.
    pub fn get(&self) -> &[Parameter] {
        &self.values[..usize::from(self.count)]
    }

    pub(super) fn parse(text: &str) -> Option<Self> {
        let points: Option<Vec<f64>> =
            text.split(',').map(|part| Parameter::parse(part).map(Parameter::get)).collect();
        Self::new(&points?)
    }
}

impl fmt::Display for Points {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        join(f, self.get())
    }
}

/// Gains that replace the grade in measures of the nDCG family; grades that are not named keep
/// theirs, and documents without a judgement have none.
///
/// Written `1=3.5,2=9`: grade 1 gains 3.5, grade 2 gains 9. Gains may be 0 or negative; grade -1
/// stands for documents that nobody judged.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Gains {
    pairs: [(i32, Parameter); Gains::MOST],
    count: u8,
}

impl Gains {
    /// The most gains that can be given.
    pub const MOST: usize = 8;

    /// Every grade gains itself.
    pub const GRADES: Self = Self { pairs: [(0, Parameter(0.0)); Self::MOST], count: 0 };

    /// `None` for more than [`Gains::MOST`] gains, one that is not finite or a grade named twice.
    pub fn new(gains: &[(i32, f64)]) -> Option<Self> {
        if gains.len() > Self::MOST {
            return None;
        }
        let mut all = Self::GRADES;
        for &(grade, gain) in gains {
            if all.get().iter().any(|&(named, _)| named == grade) {
                return None;
            }
            all.pairs[usize::from(all.count)] = (grade, Parameter::new(gain)?);
            all.count += 1;
        }
        Some(all)
    }

    /// The gains that were given, in order.
    pub fn get(&self) -> &[(i32, Parameter)] {
        &self.pairs[..usize::from(self.count)]
    }

    /// Whether every grade gains itself.
    pub fn are_grades(&self) -> bool {
        self.count == 0
    }

    /// The gain of a document of this grade; below 0 is not judged.
    pub fn of(&self, grade: i32) -> f64 {
        let given = self.get().iter().find(|(named, _)| *named == grade);
        given.map_or(f64::from(grade.max(0)), |(_, gain)| gain.get())
    }

    pub(super) fn parse(text: &str) -> Option<Self> {
        let pair = |part: &str| {
            let (grade, gain) = part.split_once('=')?;
            Some((grade.trim().parse().ok()?, Parameter::parse(gain)?.get()))
        };
        Self::new(&text.split(',').map(pair).collect::<Option<Vec<_>>>()?)
    }
}

impl fmt::Display for Gains {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        for (n, (grade, gain)) in self.get().iter().enumerate() {
            let comma = if n == 0 { "" } else { "," };
            write!(f, "{comma}{grade}={gain}")?;
        }
        Ok(())
    }
}

fn join(f: &mut fmt::Formatter<'_>, numbers: &[Parameter]) -> fmt::Result {
    for (n, number) in numbers.iter().enumerate() {
        let comma = if n == 0 { "" } else { "," };
        write!(f, "{comma}{number}")?;
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn parameters_are_finite_and_zero_is_zero() {
        assert_eq!(Parameter::new(f64::NAN), None);
        assert_eq!(Parameter::new(f64::INFINITY), None);
        assert_eq!(Parameter::new(-0.0), Parameter::new(0.0));
        assert!(Parameter::new(-1.0) < Parameter::new(0.5));
    }

    #[test]
    fn lists_are_written_as_they_are_read() {
        let points = Points::parse(".25,.5, 0.75").unwrap();
        assert_eq!(points.to_string(), "0.25,0.5,0.75");
        assert_eq!(Points::parse(&points.to_string()), Some(points));
        assert_eq!(Points::new(&[0.0; 12]), None);
        assert_eq!(Points::parse("0.5,,1"), None);
    }

    #[test]
    fn gains_replace_grades() {
        let gains = Gains::parse("1=3.5,2=9").unwrap();
        assert_eq!([-1, 0, 1, 2, 3].map(|grade| gains.of(grade)), [0.0, 0.0, 3.5, 9.0, 3.0]);
        assert_eq!(gains.to_string(), "1=3.5,2=9");
        assert_eq!(Gains::parse("-1=2").unwrap().of(-1), 2.0);
        for bad in ["1", "1=", "=2", "1=2,1=3", "x=1", "1=nan"] {
            assert_eq!(Gains::parse(bad), None, "{bad}");
        }
    }
}
