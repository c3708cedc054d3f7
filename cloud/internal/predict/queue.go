package predict

import "sync"

// queue counts the pictures that wait or are being worked on.
type queue struct {
	most int

	mu      sync.Mutex // guards what follows
	now     int
	refused uint64
}

// take takes n places, or none.
func (q *queue) take(n int) bool {
	q.mu.Lock()
	defer q.mu.Unlock()
	if q.now+n > q.most {
		q.refused += uint64(n)
		return false
	}
	q.now += n
	return true
}

func (q *queue) give(n int) {
	q.mu.Lock()
	defer q.mu.Unlock()
	q.now -= n
}

func (q *queue) counts() (now int, refused uint64) {
	q.mu.Lock()
	defer q.mu.Unlock()
	return q.now, q.refused
}
