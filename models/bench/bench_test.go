package bench

import (
	"testing"

	"gourdian/internal/wire"
)

func TestAgreementCountsVerdictsAndClassesApart(t *testing.T) {
	t.Parallel()
	a := []said{{wire.Good, 0}, {wire.Unsure, 1}, {wire.Bad, 2}, {wire.Unsure, 0}}
	b := []said{{wire.Good, 0}, {wire.Regular, 1}, {wire.Unsure, 2}, {wire.Unsure, 1}}
	if verdicts, classes := agreement(a, b); verdicts != 0.5 || classes != 0.75 {
		t.Errorf("verdicts %v, classes %v", verdicts, classes)
	}
}
