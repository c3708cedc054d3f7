// Package pipeline is what happens to the frames of one camera, from top to
// bottom in one goroutine: frame, gate, score, verdict, sighting, record, page.
//
// A live camera's frames vote on sightings. A finite source (a folder, a video
// at full speed) gives one record for each zone of each picture, without a
// vote. What can go wrong costs the frame at hand, is counted by reason and
// said on the page.
package pipeline
