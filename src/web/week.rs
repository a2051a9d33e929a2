//! When requests are made: the hours of a week as a picture of seven rows.

use crate::choropleth::measure::thousands;
use crate::choropleth::{Classes, Measure, Method, SEQUENTIAL};
use crate::marts::Week;

const DAYS: [&str; 7] = ["Monday", "Tuesday", "Wednesday", "Thursday", "Friday", "Saturday", "Sunday"];

/// Requests by hour of the week.
pub struct Hours(pub Week);

/// An hour in the picture.
pub struct Cell {
    /// Where it is, in units of the picture.
    pub x: usize,
    /// The class name of its colour.
    pub class: &'static str,
    /// What it is.
    pub title: String,
}

impl Hours {
    /// Whether there is nothing to show.
    pub fn is_empty(&self) -> bool {
        self.0.iter().all(|requests| *requests == 0)
    }

    /// Days with their hours.
    pub fn days(&self) -> Vec<(&'static str, Vec<Cell>)> {
        let values = self.0.iter().map(|requests| *requests as f64).collect();
        let classes = Classes::new(Method::Equal, values, Measure::Count);
        let cell = |(hour, requests): (usize, &u64), day: &str| {
            let class = classes.class_of(*requests as f64).filter(|_| *requests > 0);
            let step = |class: usize| class * (SEQUENTIAL.len() - 1) / classes.len().saturating_sub(1).max(1);
            Cell {
                x: 34 + hour * 16,
                class: class.and_then(|class| SEQUENTIAL.get(step(class))).map_or("zero", |colour| colour.name),
                title: format!("{day}, {hour}:00 to {}:00: {} requests", hour + 1, thousands(*requests)),
            }
        };
        let day = |(day, hours): (&'static str, &[u64])| {
            (day, hours.iter().enumerate().map(|hour| cell(hour, day)).collect())
        };
        DAYS.into_iter().zip(self.0.chunks(24)).map(day).collect()
    }

    /// The busiest hour and what the weekend has, in a sentence.
    pub fn sentence(&self) -> String {
        let all: u64 = self.0.iter().sum();
        let weekend: u64 = self.0[5 * 24..].iter().sum();
        let (at, _) = self.0.iter().enumerate().max_by_key(|(at, requests)| (**requests, 168 - at)).unwrap_or((0, &0));
        let (day, hour) = (DAYS[at / 24], at % 24);
        let share = Measure::Share.format(weekend as f64 * 100.0 / all.max(1) as f64);
        format!("Most on {day} from {hour}:00 to {}:00; Saturday and Sunday have {share}.", hour + 1)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_week_has_its_busiest_hour_and_the_share_of_its_weekend() {
        let mut week = [1; 168];
        week[24 + 9] = 3;
        let hours = Hours(week);
        assert_eq!(hours.sentence(), "Most on Tuesday from 9:00 to 10:00; Saturday and Sunday have 28.2 %.");
        let days = hours.days();
        assert_eq!((days.len(), days[1].0, days[1].1[9].class), (7, "Tuesday", "c4"));
        assert_eq!(days[0].1[0].class, "c0");
        assert!(Hours([0; 168]).is_empty() && !hours.is_empty());
        assert_eq!(Hours([0; 168]).days()[6].1[23].class, "zero");
    }
}
