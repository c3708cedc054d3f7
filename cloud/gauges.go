package cloud

import (
	"gourdian/cloud/internal/api"
	"gourdian/cloud/internal/broker"
	"gourdian/cloud/internal/ingest"
)

// linkGauges are the numbers of what boards say, and of what became of it.
func linkGauges(of func() ingest.Stats) []api.Gauge {
	gauge := func(name, help string, value func(ingest.Stats) uint64) api.Gauge {
		return api.Gauge{Name: "gourdian_hub_link_" + name, Help: help, Value: func() float64 { return float64(value(of())) }}
	}
	return []api.Gauge{
		gauge("messages", "Messages of boards that were kept, since the start.", func(s ingest.Stats) uint64 { return s.Messages }),
		gauge("messages_unreadable", "Messages of boards that make no sense, since the start.", func(s ingest.Stats) uint64 { return s.Unreadable }),
		gauge("records", "Records that were committed, since the start.", func(s ingest.Stats) uint64 { return s.Records }),
		gauge("records_repeated", "Records that came again and were there already, since the start.", func(s ingest.Stats) uint64 { return s.Repeated }),
		gauge("records_quarantined", "Records that were put away, since the start.", func(s ingest.Stats) uint64 { return s.Quarantined }),
		gauge("records_lost", "Records that boards say they no longer have, since the start.", func(s ingest.Stats) uint64 { return s.Lost }),
		gauge("commits", "Transactions with what boards said, since the start.", func(s ingest.Stats) uint64 { return s.Commits }),
		gauge("commits_failed", "Transactions that could not be committed, since the start.", func(s ingest.Stats) uint64 { return s.Failed }),
	}
}

// brokerGauges are the numbers of the connections of boards.
func brokerGauges(of func() broker.Stats) []api.Gauge {
	gauge := func(name, help string, value func(broker.Stats) uint64) api.Gauge {
		return api.Gauge{Name: "gourdian_hub_" + name, Help: help, Value: func() float64 { return float64(value(of())) }}
	}
	return []api.Gauge{
		gauge("boards_online", "Boards that are connected.", func(s broker.Stats) uint64 { return uint64(s.Connected) }),
		gauge("broker_handshakes_failed", "Connections that failed in TLS or said nothing in time, since the start.", func(s broker.Stats) uint64 { return s.Handshake }),
		gauge("broker_crowded", "Connections closed because too many had not said who they are, since the start.", func(s broker.Stats) uint64 { return s.Crowded }),
		gauge("broker_refused", "Boards refused, and what they were not allowed to do, since the start.", func(s broker.Stats) uint64 { return s.Refused }),
		gauge("broker_withheld", "Messages not acknowledged because they could not be kept, since the start.", func(s broker.Stats) uint64 { return s.Withheld }),
		gauge("broker_received", "Messages of boards that were acknowledged, since the start.", func(s broker.Stats) uint64 { return s.Received }),
		gauge("broker_sent", "Messages to boards, since the start.", func(s broker.Stats) uint64 { return s.Sent }),
		gauge("broker_dropped", "Messages to boards that took too little, since the start.", func(s broker.Stats) uint64 { return s.Dropped }),
		gauge("broker_bytes_up", "Bytes from boards, since the start.", func(s broker.Stats) uint64 { return s.BytesUp }),
		gauge("broker_bytes_down", "Bytes to boards, since the start.", func(s broker.Stats) uint64 { return s.BytesDown }),
	}
}
