/* What both pools share. */
#ifndef EQ_CMSIS_NN_POOL_H
#define EQ_CMSIS_NN_POOL_H

#include "convert.h"
#include "eq/pool_cmsis_nn.h"

static inline cmsis_nn_pool_params eq_pool_params(const eq_pool_cmsis_nn_params *p)
{
    const cmsis_nn_pool_params params = {
        .stride = eq_tile(p->stride_h, p->stride_w),
        .padding = eq_tile(p->pad_top, p->pad_left),
        .activation = eq_activation(p->qmin, p->qmax),
    };
    return params;
}

#endif
