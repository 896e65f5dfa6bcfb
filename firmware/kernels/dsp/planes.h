/* Planes: four channels of an NHWC image, each by itself, widened to pairs.
 *
 * A word holds two neighbouring pixels of a row, the left one in its bottom half. The words of two neighbouring rows
 * alternate, so that one LDRD brings the same two columns of both. Words of pixels outside of the image hold what
 * padding reads as. */
#ifndef EQ_DSP_PLANES_H
#define EQ_DSP_PLANES_H

#include "assembly.h"
#include "eq/depthwise_conv2d_dsp.h"
#include "inline.h"

/* The longest pieces of assembly take all registers. On Cortex-M GCC gives them, and puts what they need into them;
 * Clang does not, nor are all of them fit for LDRD in ARM state: there they are functions of their own, with registers
 * by number. */
#if EQ_ASSEMBLY && defined(__thumb__) && !defined(__clang__)
#define EQ_DSP_OPERANDS 1
#else
#define EQ_DSP_OPERANDS 0
#endif

/* Fills the four planes with padding. */
EQ_SHARED void eq_planes_clear(const eq_depthwise_conv2d_3x3_dsp_params *p, int32_t *planes);

/* Of `channels` channels, at most four, the rows of the image from `top` on. The first pair of rows is the last one of
 * what the planes hold, if they hold the stripe before. */
EQ_SHARED void eq_planes_gather(const eq_depthwise_conv2d_3x3_dsp_params *p, const int8_t *image, int32_t top,
                                int32_t channels, int32_t *planes);

#ifdef EQ_INSTANCE
#include "planes.c"
#endif

#endif
