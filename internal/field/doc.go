// Package field renders pumpkins and the fields they lie in, with their truth:
// what grade a fruit has, why, and where it is in the picture. It feeds the
// demo, the tests, the counting of sightings and the study of drift. It is
// never a substitute for photos: whatever is measured on it is to be called
// "rendered".
//
// A picture is made the way small film renderers make one. Every thing is a
// surface over two parameters (patch), cut into pieces about as large as a
// pixel, displaced, coloured, and rasterized into a layer that remembers colour,
// direction and place but no light. Light comes last (shade), so a fixed camera
// can show the same layers under every hour's sun (Scene), and what is in the
// picture is known before the light is (Truth).
//
// The same seed gives the same bytes on the same processor architecture. The
// arithmetic is float64 in one order, whatever the number of workers; other
// architectures may fuse multiply and add and differ by a level here and there.
package field
