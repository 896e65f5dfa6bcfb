/* Boxes that overlap none with a higher score.
 *
 * Boxes (batches, boxes, 4) and scores (batches, classes, boxes) give rows of batch, class and box, batches · classes ·
 * limit of them; those behind the last one are -1. */
#ifndef EQ_NON_MAX_SUPPRESSION_H
#define EQ_NON_MAX_SUPPRESSION_H

#include <stdint.h>

typedef struct {
    int32_t batches, classes, boxes;
    int32_t limit;      /* boxes that are kept of a class, at most */
    int32_t centred;    /* whether a box is its centre and its size; else it is two corners */
    int32_t zero_point; /* of the boxes */
    int32_t score;      /* what a score must exceed */
    int32_t overlap;    /* which share of their union two boxes may have in common, times 2^16 */
} eq_non_max_suppression_params;

typedef struct {
    int32_t batches, classes, boxes, limit, centred; /* as in eq_non_max_suppression_params */
    float score, overlap;
} eq_non_max_suppression_float32_params;

void eq_non_max_suppression_ref(const eq_non_max_suppression_params *p, const int8_t *boxes, const int8_t *scores,
                                int32_t *output);
void eq_non_max_suppression_float32_ref(const eq_non_max_suppression_float32_params *p, const float *boxes,
                                        const float *scores, int32_t *output);

#endif
