/* Parts of images (batches, height, width, channels), each as a picture of rows * columns bins.
 *
 * A region has left, top, right and bottom. A bin is the mean of samples in a regular grid, each of which mixes the
 * four elements around it, or the greatest of what these contribute. */
#ifndef EQ_ROI_ALIGN_H
#define EQ_ROI_ALIGN_H

#include <stdint.h>

typedef struct {
    int32_t batches, height, width, channels;
    int32_t regions, rows, columns;
    int32_t grid;     /* samples along each axis of a bin; 0: as many as elements that it covers, up to 256 */
    int32_t greatest; /* whether a bin is the greatest contribution */
    int32_t shifted;  /* whether the middle of the first element is at 0.5, not at 0 */
    int32_t x_zero_point, region_zero_point, y_zero_point;
    float scale; /* of elements to the units of regions */
    float region_scale;
    float steps;           /* of the output in one of the image */
    const int32_t *images; /* of the variants with constant ones */
} eq_roi_align_params;

/* `scratch` has a float for each channel. */
void eq_roi_align_ref(const eq_roi_align_params *p, const int8_t *x, const int8_t *regions, const int32_t *images,
                      int8_t *output, void *scratch);
void eq_roi_align_const_ref(const eq_roi_align_params *p, const int8_t *x, const int8_t *regions, int8_t *output,
                            void *scratch);
void eq_roi_align_float32_ref(const eq_roi_align_params *p, const float *x, const float *regions, const int32_t *images,
                              float *output);
void eq_roi_align_const_float32_ref(const eq_roi_align_params *p, const float *x, const float *regions, float *output);

#endif
