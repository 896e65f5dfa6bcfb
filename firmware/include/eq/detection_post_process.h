/* What a single-shot detector found: boxes decoded from anchors, of which none hides another.
 *
 * Boxes (boxes, box_columns), the first four of which are y, x, h, w, and scores (boxes, score_columns) give corners
 * (limit * per_box, 4), classes and scores (limit * per_box), and how many were found; all else is 0. */
#ifndef EQ_DETECTION_POST_PROCESS_H
#define EQ_DETECTION_POST_PROCESS_H

#include <stdint.h>

typedef struct {
    int32_t boxes, box_columns, score_columns;
    int32_t background; /* columns of scores before those of the classes */
    int32_t classes;
    int32_t limit;     /* boxes that are found, at most */
    int32_t per_box;   /* classes that are told of each of them */
    int32_t per_class; /* boxes of each class that are kept, at most; 0: boxes of all classes hide each other */
    int32_t box_zero_point, score_zero_point;
    int32_t least; /* the least int8 score that is high enough */
    float score;   /* the least real one */
    float overlap; /* which share of their union two boxes may have in common */
    float box_scale, score_scale;
    const float *coding;  /* what y, x, h, w are divided by */
    const float *anchors; /* (boxes, 4): y, x, h, w */
} eq_detection_post_process_params;

/* `scratch` has one score for each box, unless per_class is set. */
void eq_detection_post_process_ref(const eq_detection_post_process_params *p, const int8_t *boxes, const int8_t *scores,
                                   float *corners, float *classes, float *best, float *count, void *scratch);
void eq_detection_post_process_float32_ref(const eq_detection_post_process_params *p, const float *boxes,
                                           const float *scores, float *corners, float *classes, float *best,
                                           float *count, void *scratch);

#endif
