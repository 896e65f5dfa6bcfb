#include "eq/tree_ensemble.h"

#include <string.h>

#define LEAF 0x8000U
#define UNIT 0x4000U
#define MORE 0x2000U
#define TARGET 0x1FFFU

/* A function of its own keeps its few variables in registers, of which small cores have eight. */
#if defined __GNUC__
#define EQ_APART __attribute__((noinline))
#else
#define EQ_APART
#endif

/* Each decision goes on at a node that is not before it, so every walk ends. */

EQ_APART static const uint16_t *leaf_int8(const uint16_t *node, const int8_t *x)
{
    for (;;) {
        const uint32_t word = node[0], feature = word >> 8;
        if (feature >= LEAF >> 8) {
            return node;
        }
        if (x[feature] > (int8_t)word) {
            node += node[1];
        } else {
            node += 2;
        }
    }
}

static const uint16_t *leaf_wide(const uint16_t *node, const int8_t *x)
{
    for (;;) {
        const uint32_t word = node[0];
        if (word & LEAF) {
            return node;
        }
        node += x[word] <= (int16_t)node[1] ? 3 : node[2];
    }
}

static const uint16_t *leaf_int16(const uint16_t *node, const int16_t *x)
{
    for (;;) {
        const uint32_t word = node[0];
        if (word & LEAF) {
            return node;
        }
        node += x[word] <= (int16_t)node[1] ? 3 : node[2];
    }
}

static int32_t threshold32(const uint16_t *node)
{
    return (int32_t)(node[1] | (uint32_t)node[2] << 16);
}

static const uint16_t *leaf_int32(const uint16_t *node, const int32_t *x)
{
    for (;;) {
        const uint32_t word = node[0];
        if (word & LEAF) {
            return node;
        }
        node += x[word] <= threshold32(node) ? 4 : node[3];
    }
}

static int32_t ordered(const float *x)
{
    int32_t bits;
    memcpy(&bits, x, sizeof bits);
    return bits ^ ((bits >> 31) & INT32_MAX);
}

static const uint16_t *leaf_float32(const uint16_t *node, const float *x)
{
    for (;;) {
        const uint32_t word = node[0];
        if (word & LEAF) {
            return node;
        }
        node += ordered(x + word) <= threshold32(node) ? 4 : node[3];
    }
}

EQ_APART static void add_leaf(const uint16_t *leaf, int32_t unit, int32_t *sums)
{
    for (;;) {
        const uint32_t word = *leaf++;
        sums[word & TARGET] += word & UNIT ? unit : (int16_t)*leaf++;
        if (!(word & MORE)) {
            return;
        }
    }
}

#define EQ_TREES(p, input, output, leaf_of)                                                                            \
    do {                                                                                                               \
        for (int32_t row = 0; row < (p)->rows; row++) {                                                                \
            for (int32_t k = 0; k < (p)->targets; k++) {                                                               \
                (output)[k] = (p)->base[k];                                                                            \
            }                                                                                                          \
            for (int32_t tree = 0; tree < (p)->trees; tree++) {                                                        \
                add_leaf(leaf_of((p)->nodes + (p)->starts[tree], (input)), (p)->unit, (output));                       \
            }                                                                                                          \
            (input) += (p)->features;                                                                                  \
            (output) += (p)->targets;                                                                                  \
        }                                                                                                              \
    } while (0)

void eq_tree_ensemble_ref(const eq_tree_ensemble_params *p, const int8_t *input, int32_t *output)
{
    EQ_TREES(p, input, output, leaf_int8);
}

void eq_tree_ensemble_wide_ref(const eq_tree_ensemble_params *p, const int8_t *input, int32_t *output)
{
    EQ_TREES(p, input, output, leaf_wide);
}

void eq_tree_ensemble_int16_ref(const eq_tree_ensemble_params *p, const int16_t *input, int32_t *output)
{
    EQ_TREES(p, input, output, leaf_int16);
}

void eq_tree_ensemble_int32_ref(const eq_tree_ensemble_params *p, const int32_t *input, int32_t *output)
{
    EQ_TREES(p, input, output, leaf_int32);
}

void eq_tree_ensemble_float32_ref(const eq_tree_ensemble_params *p, const float *input, int32_t *output)
{
    EQ_TREES(p, input, output, leaf_float32);
}
