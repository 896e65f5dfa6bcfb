/* Walking over two int16 tensors that are broadcast against each other: see broadcast.h. */
#ifndef EQ_BROADCAST_INT16_H
#define EQ_BROADCAST_INT16_H

#include "eq/broadcast.h"

EQ_WALK(eq_walk16, int16_t)

#define EQ_FOR_EACH_PAIR16(p, a, b, output, result) EQ_FOR_EACH_PAIR_OF(eq_walk16, int16_t, p, a, b, output, result)

#endif
