#include "eq/detection_post_process.h"

#include "eq/float32.h"

/* Where results go. */
typedef struct {
    float *corners, *classes, *best;
} Found;

static void clear(const eq_detection_post_process_params *p, const Found *to)
{
    for (int32_t row = 0; row < p->limit * p->per_box; row++) {
        for (int32_t d = 0; d < 4; d++) {
            to->corners[4 * row + d] = 0.0f;
        }
        to->classes[row] = 0.0f;
        to->best[row] = 0.0f;
    }
}

static void put(const Found *to, int32_t row, const float *box, float class, float score)
{
    for (int32_t d = 0; d < 4; d++) {
        to->corners[4 * row + d] = box[d];
    }
    to->classes[row] = class;
    to->best[row] = score;
}

/* Puts a row where the scores are in order, behind those that are equal; the last one is lost if all rows are taken. */
static int32_t insert(const eq_detection_post_process_params *p, const Found *to, int32_t count, const float *box,
                      float class, float score)
{
    int32_t row = count < p->limit ? count : p->limit - 1;
    for (; row > 0 && to->best[row - 1] < score; row--) {
        put(to, row, to->corners + 4 * (row - 1), to->classes[row - 1], to->best[row - 1]);
    }
    put(to, row, box, class, score);
    return count < p->limit ? count + 1 : count;
}

/* The corners of a box, from its four numbers. */
static void decode(const eq_detection_post_process_params *p, int32_t index, const float *coded, float *box)
{
    const float *anchor = p->anchors + 4 * index;
    for (int32_t d = 0; d < 2; d++) {
        const float centre = eq_quotient(coded[d], p->coding[d]) * anchor[d + 2] + anchor[d];
        const float half = (0.5f * eq_exp(eq_quotient(coded[d + 2], p->coding[d + 2]))) * anchor[d + 2];
        box[d] = eq_number(centre - half);
        box[d + 2] = eq_number(centre + half);
    }
}

/* Whether two boxes have too much in common. */
static int overlaps(const eq_detection_post_process_params *p, const float *a, const float *b)
{
    const float of_a = (a[2] - a[0]) * (a[3] - a[1]), of_b = (b[2] - b[0]) * (b[3] - b[1]);
    const float height = (a[2] < b[2] ? a[2] : b[2]) - (a[0] > b[0] ? a[0] : b[0]);
    const float width = (a[3] < b[3] ? a[3] : b[3]) - (a[1] > b[1] ? a[1] : b[1]);
    if (!(height > 0.0f && width > 0.0f && of_a > 0.0f && of_b > 0.0f)) {
        return 0;
    }
    const float common = height * width;
    return common / (of_a + of_b - common) > p->overlap;
}

static int8_t key_int8(int8_t score)
{
    return score;
}

static float key_float32(float score)
{
    return score >= -EQ_GREATEST ? score : -EQ_GREATEST;
}

static float box_int8(const eq_detection_post_process_params *p, int8_t x)
{
    return (float)(x - p->box_zero_point) * p->box_scale;
}

static float box_float32(const eq_detection_post_process_params *p, float x)
{
    (void)p;
    return x;
}

static float score_int8(const eq_detection_post_process_params *p, int8_t x)
{
    return (float)(x - p->score_zero_point) * p->score_scale;
}

static float score_float32(const eq_detection_post_process_params *p, float x)
{
    (void)p;
    return x;
}

/* Functions for one type of elements; `bound` is that of thresholds, `lowest` below or at all scores. */
#define EQ_DETECT(kind, element, bound, threshold, lowest)                                                             \
    /* The best of the scores behind the last one, or -1. */                                                           \
    static int32_t next_##kind(const element *scores, int32_t count, int32_t stride, int32_t last, bound least)        \
    {                                                                                                                  \
        int32_t best = -1;                                                                                             \
        element highest = 0;                                                                                           \
        const element before = last < 0 ? (element)0 : key_##kind(scores[last * stride]);                              \
        for (int32_t i = 0; i < count; i++) {                                                                          \
            const element score = key_##kind(scores[i * stride]);                                                      \
            if (score >= least && (best < 0 || score > highest) &&                                                     \
                (last < 0 || score < before || (score == before && i > last))) {                                       \
                best = i;                                                                                              \
                highest = score;                                                                                       \
            }                                                                                                          \
        }                                                                                                              \
        return best;                                                                                                   \
    }                                                                                                                  \
                                                                                                                       \
    static void decode_##kind(const eq_detection_post_process_params *p, const element *boxes, int32_t index,          \
                              float *box)                                                                              \
    {                                                                                                                  \
        float coded[4];                                                                                                \
        for (int32_t d = 0; d < 4; d++) {                                                                              \
            coded[d] = box_##kind(p, boxes[index * p->box_columns + d]);                                               \
        }                                                                                                              \
        decode(p, index, coded, box);                                                                                  \
    }                                                                                                                  \
                                                                                                                       \
    static int32_t of_all_##kind(const eq_detection_post_process_params *p, const element *boxes,                      \
                                 const element *scores, element *highest, const Found *to)                             \
    {                                                                                                                  \
        const int32_t rows = p->per_box < p->classes ? p->per_box : p->classes;                                        \
        int32_t found = 0, last = -1;                                                                                  \
        for (int32_t i = 0; i < p->boxes; i++) {                                                                       \
            const element *own = scores + i * p->score_columns;                                                        \
            highest[i] = key_##kind(own[next_##kind(own, p->classes, 1, -1, lowest)]);                                 \
        }                                                                                                              \
        while (found < p->limit && (last = next_##kind(highest, p->boxes, 1, last, threshold)) >= 0) {                 \
            float box[4];                                                                                              \
            int hidden = 0;                                                                                            \
            decode_##kind(p, boxes, last, box);                                                                        \
            for (int32_t k = 0; k < found && !hidden; k++) {                                                           \
                hidden = overlaps(p, box, to->corners + 4 * k * p->per_box);                                           \
            }                                                                                                          \
            if (hidden) {                                                                                              \
                continue;                                                                                              \
            }                                                                                                          \
            const element *own = scores + last * p->score_columns;                                                     \
            int32_t class = -1;                                                                                        \
            for (int32_t row = 0; row < rows; row++) {                                                                 \
                class = next_##kind(own, p->classes, 1, class, lowest);                                                \
                put(to, found * p->per_box + row, box, (float)class, score_##kind(p, key_##kind(own[class])));         \
            }                                                                                                          \
            found++;                                                                                                   \
        }                                                                                                              \
        return found;                                                                                                  \
    }                                                                                                                  \
                                                                                                                       \
    static int32_t of_each_##kind(const eq_detection_post_process_params *p, const element *boxes,                     \
                                  const element *scores, const Found *to)                                              \
    {                                                                                                                  \
        int32_t found = 0;                                                                                             \
        for (int32_t class = 0; class < p->classes; class++) {                                                         \
            int32_t last = -1, kept = 0;                                                                               \
            while (kept < p->per_class &&                                                                              \
                   (last = next_##kind(scores + class, p->boxes, p->score_columns, last, threshold)) >= 0) {           \
                const float score = score_##kind(p, key_##kind(scores[last * p->score_columns + class]));              \
                if (found == p->limit && !(score > to->best[found - 1])) {                                             \
                    break; /* so are all others of this class */                                                       \
                }                                                                                                      \
                float box[4];                                                                                          \
                int hidden = 0;                                                                                        \
                decode_##kind(p, boxes, last, box);                                                                    \
                for (int32_t row = 0; row < found && !hidden; row++) {                                                 \
                    hidden = to->classes[row] == (float)class && overlaps(p, box, to->corners + 4 * row);              \
                }                                                                                                      \
                if (!hidden) {                                                                                         \
                    found = insert(p, to, found, box, (float)class, score);                                            \
                    kept++;                                                                                            \
                }                                                                                                      \
            }                                                                                                          \
        }                                                                                                              \
        return found;                                                                                                  \
    }

EQ_DETECT(int8, int8_t, int32_t, p->least, -128)
EQ_DETECT(float32, float, float, p->score, -EQ_GREATEST)

void eq_detection_post_process_ref(const eq_detection_post_process_params *p, const int8_t *boxes, const int8_t *scores,
                                   float *corners, float *classes, float *best, float *count, void *scratch)
{
    const Found to = {corners, classes, best};
    const int8_t *known = scores + p->background;
    clear(p, &to);
    *count = (float)(p->per_class ? of_each_int8(p, boxes, known, &to) : of_all_int8(p, boxes, known, scratch, &to));
}

void eq_detection_post_process_float32_ref(const eq_detection_post_process_params *p, const float *boxes,
                                           const float *scores, float *corners, float *classes, float *best,
                                           float *count, void *scratch)
{
    const Found to = {corners, classes, best};
    const float *known = scores + p->background;
    clear(p, &to);
    *count =
        (float)(p->per_class ? of_each_float32(p, boxes, known, &to) : of_all_float32(p, boxes, known, scratch, &to));
}
