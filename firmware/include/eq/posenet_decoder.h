/* Poses of people, from heatmaps (height, width, 17), short offsets (height, width, 34) and mid offsets (height, width,
 * 64): keypoints (limit, 17, 2), which are y and x, their scores (limit, 17), scores of poses (limit), and how many
 * were found; all else is 0. */
#ifndef EQ_POSENET_DECODER_H
#define EQ_POSENET_DECODER_H

#include <stdint.h>

#define EQ_POSE_KEYPOINTS 17
#define EQ_POSE_WAYS 32 /* edges of the skeleton, in both directions */

typedef struct {
    int32_t height, width;
    int32_t limit;              /* poses that are found, at most */
    const int32_t *ways;        /* (32, 4): from which keypoint to which, and the channels of y and x */
    const int32_t *zero_points; /* of the three operands, */
    const float *scales;        /* and what they are multiplied with */
    float threshold;            /* the least element of a heatmap that begins a pose */
    float score;                /* the least score of a pose */
    float near;                 /* the square of the distance up to which keypoints are near */
    float stride;               /* pixels between elements */
} eq_posenet_decoder_params;

/* `scratch` has 53 floats for each pose. */
void eq_posenet_decoder_ref(const eq_posenet_decoder_params *p, const int8_t *heat, const int8_t *near,
                            const int8_t *mid, float *keypoints, float *scores, float *poses, float *count,
                            void *scratch);
void eq_posenet_decoder_float32_ref(const eq_posenet_decoder_params *p, const float *heat, const float *near,
                                    const float *mid, float *keypoints, float *scores, float *poses, float *count,
                                    void *scratch);

#endif
