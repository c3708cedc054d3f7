package gate

import "math"

// McNemar is the exact one-sided McNemar test: the probability of at least wins
// among wins+losses discordant pairs if neither side were better. 1 without any.
// Source: Q. McNemar, Psychometrika 12 (1947), 153-157, with the binomial
// distribution in place of its normal approximation.
func McNemar(wins, losses int) float64 {
	n := wins + losses
	if n == 0 {
		return 1
	}
	p := 0.0
	for k := wins; k <= n; k++ {
		p += math.Exp(logChoose(n, k) - float64(n)*math.Ln2)
	}
	return math.Min(1, p)
}

func logChoose(n, k int) float64 {
	a, _ := math.Lgamma(float64(n + 1))
	b, _ := math.Lgamma(float64(k + 1))
	c, _ := math.Lgamma(float64(n - k + 1))
	return a - b - c
}

// Quantiles of the normal distribution for the number of pictures that decide.
const (
	zAlpha = 1.6448536269514722 // one-sided 5 %
	zPower = 0.8416212335729143 // power 80 %
)

// Needed is how many pictures in all a one-sided McNemar test at 5 % needs to
// find, with a power of 80 %, a difference of gain (share of wins minus share
// of losses, 0 to 1) where the two sides disagree on a share of the pictures.
// 0 where there is no difference to find.
// Source: R. J. Connor, Biometrics 43 (1987), 207-211.
func Needed(disagree, gain float64) int {
	gain = math.Abs(gain)
	if gain == 0 || disagree <= 0 {
		return 0
	}
	gain = math.Min(gain, disagree)
	root := zAlpha*math.Sqrt(disagree) + zPower*math.Sqrt(disagree-gain*gain)
	return int(math.Ceil(root * root / (gain * gain)))
}
