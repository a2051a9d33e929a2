//! Colours of classes.

/// A colour of a ramp, and what the style sheet calls it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Colour {
    /// As `#rrggbb`.
    pub hex: &'static str,
    /// The class name of an area that has it.
    pub name: &'static str,
    /// The class name, and the pattern, of one whose value is unstable: hatched on it.
    pub hatched: &'static str,
}

type Ramp = [Colour; 5];

/// From light to dark, told apart in every form of colour blindness and in grey. From ColorBrewer's YlGnBu (Cynthia
/// Brewer, Mark Harrower and The Pennsylvania State University), the first step made darker against white paper.
/// The style sheet has the same, and a test holds them together.
pub const SEQUENTIAL: Ramp = [
    Colour { hex: "#d3eeb3", name: "c0", hatched: "hc0" },
    Colour { hex: "#7fcdbb", name: "c1", hatched: "hc1" },
    Colour { hex: "#41b6c4", name: "c2", hatched: "hc2" },
    Colour { hex: "#2c7fb8", name: "c3", hatched: "hc3" },
    Colour { hex: "#253494", name: "c4", hatched: "hc4" },
];

/// From less to more around a middle that says nothing: ColorBrewer's PuOr, told apart in every form of colour
/// blindness. Neither end means good or bad: more requests are not worse.
pub const DIVERGING: Ramp = [
    Colour { hex: "#5e3c99", name: "d0", hatched: "hd0" },
    Colour { hex: "#b2abd2", name: "d1", hatched: "hd1" },
    Colour { hex: "#f1efe9", name: "d2", hatched: "hd2" },
    Colour { hex: "#fdb863", name: "d3", hatched: "hd3" },
    Colour { hex: "#e66101", name: "d4", hatched: "hd4" },
];

/// The colours for a number of classes: always from one end of the ramp to the other, however many there are.
pub fn spread(ramp: &'static Ramp, classes: usize) -> impl Iterator<Item = &'static Colour> {
    let step = move |class| if classes == 1 { ramp.len() / 2 } else { class * (ramp.len() - 1) / (classes - 1) };
    (0..classes).map(move |class| &ramp[step(class)])
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn fewer_classes_still_span_the_ramp() {
        let names = |classes| spread(&SEQUENTIAL, classes).map(|colour| colour.name).collect::<Vec<_>>();
        assert_eq!(names(5), ["c0", "c1", "c2", "c3", "c4"]);
        assert_eq!(names(3), ["c0", "c2", "c4"]);
        assert_eq!(names(1), ["c2"]);
        assert!(names(0).is_empty());
    }

    #[test]
    fn the_style_sheet_has_the_same_colours() {
        let style = include_str!("../../static/style.css");
        for Colour { hex, name, hatched } in SEQUENTIAL.iter().chain(&DIVERGING) {
            assert!(style.contains(&format!(".{name} {{ fill: {hex} }}")), "{name}");
            assert!(style.contains(&format!(".{hatched} {{ fill: url(\"#{hatched}\") }}")), "{hatched}");
        }
    }
}
