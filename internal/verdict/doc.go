// Package verdict turns what a network says of a picture into what the farmer
// reads. Board, hub and command line decide by the same rules, in this order:
//
//  1. quality: a blurred, dark or overexposed picture is unsure;
//  2. novelty: a picture unlike the training photos is unsure, because a
//     network calls any thing one of its classes;
//  3. confidence: the most probable class must reach its own threshold on the
//     calibrated probability, softmax(logits / temperature), else unsure;
//  4. the verdict is the class's name.
//
// A [Decider] judges frames, a [Ballot] the frames of one sighting.
package verdict
