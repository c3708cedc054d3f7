package field

// lookalikeKinds are the things that are no pumpkins, in a fixed order.
func lookalikeKinds() []string {
	return []string{"watermelon", "melon", "orange fruit", "apple", "tomato", "ball", "stone", "cabbage", "bucket", "pot", "glove"}
}

// lookalike draws a thing of a kind that is no pumpkin.
func lookalike(d dice, kind string) *specimen {
	s := &specimen{truth: Thing{Class: NotPumpkin, Kind: kind}, lie: upright(vec{}, d.angle(), 1)}
	round := func(c coat, flat, lump, size float64) {
		s.model, s.size = &fruit{
			coat: c, dirtAt: d.place(), dirt: max(0, d.between(-0.4, 0.6)), radius: size,
			shape: shape{flat: flat, ribs: 8, round: 1, lump: lump, place: d.place()},
		}, size
		s.lie = s.lie.tilted(d.between(0, 1.5), d.angle())
	}
	switch kind {
	case "watermelon":
		round(watermelonCoat(d), d.between(0.95, 1.55), 0.03, d.between(0.11, 0.16))
		s.lie = upright(vec{}, d.angle(), 1).tilted(d.between(0.6, 1.7), d.angle())
	case "melon":
		round(melonCoat(d), d.between(0.9, 1.15), 0.03, d.between(0.09, 0.13))
	case "orange fruit":
		round(citrusCoat(d), d.between(0.88, 1.02), 0.02, d.between(0.05, 0.10))
	case "apple":
		round(appleCoat(d), d.between(0.85, 1), 0.04, d.between(0.05, 0.09))
	case "tomato":
		round(tomatoCoat(d), d.between(0.75, 0.95), 0.05, d.between(0.05, 0.09))
		s.model.(*fruit).shape.depth, s.model.(*fruit).shape.ribs = d.between(0, 0.04), 5
	case "ball":
		round(ballCoat(d), 1, 0, 0.12)
	case "stone":
		round(stoneCoat(d), d.between(0.55, 0.95), d.between(0.12, 0.3), d.between(0.08, 0.16))
	case "cabbage":
		round(cabbageCoat(d), d.between(0.8, 0.95), 0.06, d.between(0.09, 0.13))
		s.lie = upright(vec{}, d.angle(), 1).tilted(d.between(0, 0.5), d.angle())
	case "bucket":
		s.model, s.size = bucketOf(d), d.between(0.11, 0.15)
	case "pot":
		s.model, s.size = potOf(d), d.between(0.10, 0.15)
	case "glove":
		s.model, s.size = gloveOf(d), d.between(0.10, 0.13)
	}
	return s
}
