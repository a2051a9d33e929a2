//! Colours of classes.

/// Five steps from light to dark, told apart in every form of colour blindness and in grey. From ColorBrewer's YlGnBu
/// (Cynthia Brewer, Mark Harrower and The Pennsylvania State University), the first step made darker against white paper.
/// The style sheet has the same, and a test holds them together.
pub const SEQUENTIAL: [&str; 5] = ["#d3eeb3", "#7fcdbb", "#41b6c4", "#2c7fb8", "#253494"];

/// The steps for a number of classes: always from the lightest to the darkest, however many there are.
pub fn sequential(classes: usize) -> impl Iterator<Item = usize> {
    (0..classes).map(move |class| step_of(class, classes))
}

/// The step of the ramp for one class of several.
pub fn step_of(class: usize, classes: usize) -> usize {
    match classes {
        0 | 1 => SEQUENTIAL.len() / 2,
        _ => class * (SEQUENTIAL.len() - 1) / (classes - 1),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn fewer_classes_still_span_the_ramp() {
        assert_eq!(sequential(5).collect::<Vec<_>>(), [0, 1, 2, 3, 4]);
        assert_eq!(sequential(3).collect::<Vec<_>>(), [0, 2, 4]);
        assert_eq!(sequential(1).collect::<Vec<_>>(), [2]);
    }

    #[test]
    fn the_style_sheet_has_the_same_colours() {
        let style = include_str!("../../static/style.css");
        for (step, colour) in SEQUENTIAL.iter().enumerate() {
            assert!(style.contains(&format!(".c{step} {{ fill: {colour} }}")), "{step}");
        }
    }
}
