package onnxgraph

// list adapts the nested messages of one field to the codec: a slice in many,
// or an optional single message in one.
type list[T any] struct {
	many *[]*T
	one  **T
}

func (l list[T]) single() bool { return l.one != nil }

func (l list[T]) count() int {
	switch {
	case l.many != nil:
		return len(*l.many)
	case *l.one != nil:
		return 1
	}
	return 0
}

func (l list[T]) at(i int) message {
	if l.many != nil {
		return any((*l.many)[i]).(message)
	}
	return any(*l.one).(message)
}

func (l list[T]) add() message {
	m := new(T)
	if l.many != nil {
		*l.many = append(*l.many, m)
	} else {
		*l.one = m
	}
	return any(m).(message)
}
