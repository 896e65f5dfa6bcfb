/* Fully connected layers of float32 values whose weights are stored in fewer bits. */
#ifndef EQ_FULLY_CONNECTED_STORED_H
#define EQ_FULLY_CONNECTED_STORED_H

#include <stdint.h>

#include "eq/fully_connected_float32.h"
#include "eq/stored.h"

typedef struct {
    eq_fully_connected_float32_params layer; /* without weights */
    eq_stored weights;                       /* (out_c, in_c) */
    int32_t at_once;                         /* rows for which weights are widened once */
} eq_fully_connected_stored_params;

/* Four output channels are computed for some rows, then the next.
 * scratch: four floats for each input; with one row that of eq_stored_products. */
void eq_fully_connected_stored_ref(const eq_fully_connected_stored_params *p, const float *input, float *output,
                                   void *scratch);

/* The input's rows are integers of 8 bits, each row with a step of its own, by which sums are multiplied last. The sums
 * of a group of weights are scaled, and added one group after the other. scratch: in_c bytes. */
void eq_fully_connected_dynamic_ref(const eq_fully_connected_stored_params *p, const float *input, float *output,
                                    void *scratch);

#endif
