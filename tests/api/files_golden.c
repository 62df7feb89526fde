/* Files of past versions load, predict and train on as they did: against numbers that golden/expected.py
 * computed from the files in double precision, without the library. A file that is here is never made anew.
 * SPDX-License-Identifier: MIT */
#include <math.h>
#include <stdio.h>

#include "golden.h"

static const float dense_last[] = {0.272033816f, -0.0990470226f, -0.00995295476f,
                                   0.257876436f, -0.0847237074f, -0.0118749005f,
                                   0.264180995f, -0.0527781644f, -0.0330688865f};
static const float dense_sum[] = {0.291014325f,  -0.0788491443f, 0.0246666309f, 0.279591426f,  -0.250958173f,
                                  0.0589516423f, 0.151862339f,   -0.365342493f, -0.0205382823f};
static const float maps_last[] = {0.16389379f,    -0.135092298f,  0.0684371091f,
                                  -0.059444071f,  0.0355481438f,  -0.00855908432f,
                                  -0.0269441347f, -0.0798840615f, 0.110348462f};
static const float maps_sum[] = {1.53920701f,    0.329196425f, -0.117028503f,  -0.102223605f, 1.1474336f,
                                 0.00918068975f, -0.65006456f, 0.00818179416f, 1.43952526f};
static const float training_last[] = {0.0800559086f, -0.122904468f, 0.00401382654f,
                                      0.106240031f,  -0.142094434f, 0.011726791f,
                                      0.0360338693f, -0.200489998f, -0.0331274842f};
static const float training_sum[] = {0.288623673f,  -0.228248824f, -0.165354826f,
                                     0.187184432f,  -0.137272368f, -0.214348799f,
                                     0.0360338693f, -0.200489998f, -0.0331274842f};
static const float training_weight_0[] = {-0.171319424f, 0.466669745f, -0.228433368f,
                                          0.116012891f,  0.229533834f, -0.194906145f};
static const float training_weight_1[] = {-0.0625932818f, 0.227962049f, -0.258334271f, -0.0722503036f,
                                          -0.388785534f};

static const float units_last[] = {0.171488936f,  0.069575045f, -0.0146614307f, 0.146101812f, 0.0397487315f,
                                   0.0377992012f, 0.164566796f, 0.0612973366f,  0.0059395856f};
static const float units_sum[] = {0.154622922f,  -0.0044659564f, -0.196733324f,  0.0800779063f, 0.108983214f,
                                  -0.184219523f, 0.0276609601f,  -0.0899409584f, -0.208914157f};
static const float units_training_last[] = {0.618082835f,  -0.151376349f, 0.0844560052f,
                                            -0.698964014f, 0.469015504f,  -0.334180294f,
                                            0.0160703285f, -0.147892581f, 0.142617243f};
static const float units_training_sum[] = {0.474834142f,  -0.500596093f, -0.238605277f,
                                           -1.36564968f,  0.889600131f,  -1.01937557f,
                                           -0.276287815f, -0.460746916f, -0.214669816f};
static const float units_training_weight_0[] = {0.430470085f,  0.12513288f,   -0.38219355f,
                                                -0.260002865f, -0.151444066f, 0.313991277f};
static const float units_training_weight_1[] = {0.400776898f,  0.450411934f,    -0.197394989f,
                                                -0.213561137f, -0.00457376816f, 0.0879805873f};

static const float sequences_last[] = {0.0840405607f, -0.0524143673f, 0.0582476999f,
                                       0.0337036639f, 0.0112298734f,  0.0477167806f,
                                       0.0917107434f, -0.0241601035f, 0.0637704867f};
static const float sequences_sum[] = {2.59288501f,  -1.23987015f, -1.28486235f, -1.34963405f, 2.34258205f,
                                      -1.58313325f, -0.72432193f, -1.41603842f, 2.4940647f};
static const float rows_last[] = {0.126191757f,  0.0546314804f, 0.184453628f, 0.121812682f, -0.387617411f,
                                  -0.227114055f, -0.513452822f, 0.193631777f, 0.0888472133f};
static const float positions_last[] = {
    0.0760788159f,   -0.294336933f,   -0.0722913447f, -0.059483357f,   -0.0877787177f,  -0.140805379f,
    -0.185691375f,   0.163803521f,    -0.207315229f,  -0.0774015642f,  0.0534253797f,   -0.155094548f,
    -0.059765892f,   0.0122856947f,   -0.145525825f,  -0.136739618f,   0.110463698f,    -0.183550949f,
    -0.0515530504f,  0.0104476562f,   -0.141865505f,  -0.0749960538f,  0.065434362f,    -0.154598938f,
    -0.0529969466f,  0.0441908985f,   -0.144044501f,  -0.127363309f,   0.12961595f,     -0.180348448f,
    -0.0678609746f,  0.0570517324f,   -0.151107187f,  -0.0227001178f,  0.0101619669f,   -0.129289811f,
    -0.0906406124f,  0.0833304998f,   -0.162232812f,  -0.0348882338f,  0.0121755121f,   -0.134689029f,
    -0.0727258585f,  0.0663845111f,   -0.153654149f,  -0.0383376959f,  0.0403063382f,   -0.137483387f,
    -0.106341389f,   0.111909149f,    -0.170381969f,  -0.0574882391f,  0.0498331859f,   -0.146259243f,
    -0.00623407201f, 0.0035393975f,   -0.121816221f,  -0.0662701538f,  0.0627224389f,   -0.150675082f,
    -0.0190317299f,  -0.00190756384f, -0.127138063f,  -0.0558539434f,  0.0414674466f,   -0.145163309f,
    -0.0162184048f,  0.0131275387f,   -0.126603925f,  -0.0855784446f,  0.0845582366f,   -0.160085152f,
    -0.037847653f,   0.0229329628f,   -0.136471808f,  0.0087827907f,   -0.0132627942f,  -0.114505907f,
    -0.0507887888f,  0.0448528611f,   -0.143113482f,  -0.00830453506f, -0.0138131155f,  -0.121920445f,
    -0.0480491181f,  0.0298506876f,   -0.141231359f,  0.000131057001f, -0.00511608066f, -0.11864717f,
    0.35371622f,     -0.271506172f,   0.0475430427f,  0.285442863f,    -0.143928639f,   0.0119553073f,
    0.142875341f,    -0.103843321f,   -0.0519603076f, -0.0528798925f,  0.0900396438f,   -0.146100043f,
    0.0394121527f,   0.00624399785f,  -0.102066115f,  0.0794482882f,   -0.0657275869f,  -0.0813276659f,
    -0.0158521698f,  0.0142498269f,   -0.126496029f,  0.0534320238f,   -0.0639919457f,  -0.0927348923f,
    0.019324923f,    -0.0193784741f,  -0.109634879f,  0.0575499818f,   -0.0550313714f,  -0.0913536241f,
    -0.0300913891f,  0.0252050008f,   -0.133199118f,  0.0121552039f,   -0.0221799035f,  -0.112627864f,
    0.0785384752f,   -0.0873164542f,  -0.0807319043f, 0.00924092214f,  -0.0257945724f,  -0.113730667f,
    0.0485141829f,   -0.0754586111f,  -0.0943492879f, 0.0104785228f,   -0.0326721587f,  -0.112875827f,
    0.0552908375f,   -0.06535788f,    -0.0918628073f, -0.0182942125f,  0.00276041315f,  -0.127031417f,
    0.0254350723f,   -0.0494659983f,  -0.105592157f,  -0.0153744563f,  -0.00286838654f, -0.125501541f,
    0.0263585944f,   -0.0293531134f,  -0.106114136f,  -0.0478666011f,  0.0415880098f,   -0.141691159f,
    -0.0113944561f,  -0.0038171974f,  -0.123725056f,  0.0463255845f,   -0.0477526401f,  -0.0965751465f,
    -0.0237303124f,  0.0170702526f,   -0.130055756f,  0.01058455f,     -0.0277574401f,  -0.113055468f,
    -0.0307446233f,  0.0175648701f,   -0.133132513f,  0.0139234479f,   -0.010989546f,   -0.112372108f,
    -0.0546183612f,  0.0535414511f,   -0.145180073f,  -0.0134796255f,  0.00256396121f,  -0.12492612f,
    -0.187211273f,   0.106842318f,    -0.205359927f,  -0.259118873f,   0.292313597f,    -0.245189923f,
    -0.117534706f,   0.166988357f,    -0.177786138f,  -0.0821218981f,  0.0833216098f,   -0.158523355f,
    -0.164641443f,   0.165837822f,    -0.198243553f,  -0.0719000518f,  0.071012212f,    -0.153507211f,
    -0.0936088904f,  0.114134036f,    -0.16494046f,   -0.0627565903f,  0.0802350458f,   -0.149949888f,
    -0.141705858f,   0.160385559f,    -0.188006895f,  -0.0819561574f,  0.0974885523f,   -0.159102088f,
    -0.022669686f,   0.0321616931f,   -0.130287332f,  -0.100123731f,   0.10549387f,     -0.167380052f,
    -0.0429475988f,  0.0385365574f,   -0.139409227f,  -0.0687341861f,  0.0729932683f,   -0.152219812f,
    -0.0377630444f,  0.0520030685f,   -0.137770587f,  -0.111302247f,   0.123860466f,    -0.173091026f,
    -0.0615636046f,  0.0668087192f,   -0.148813593f,  -0.00303830342f, 0.0139182262f,   -0.120901636f,
    -0.0677503386f,  0.0720400877f,   -0.151747651f,  -0.0194619857f,  0.0108946178f,   -0.127913589f,
    -0.0590224388f,  0.0533427445f,   -0.147088479f,  -0.00742385917f, 0.0134768303f,   -0.122790827f,
    -0.0884772821f,  0.091043481f,    -0.161645269f,  -0.0401455951f,  0.0324186795f,   -0.13790815f,
    0.027612974f,    -0.0266188694f,  -0.105693603f,  -0.0479766943f,  0.0462787005f,   -0.141954606f,
    -0.00342988209f, -0.0127058592f,  -0.119848893f,  -0.0463826978f,  0.0326933698f,   -0.140636406f,
    0.00567333978f,  -0.00559518425f, -0.116212048f,  -0.0611515888f,  0.0577455055f,   -0.148217795f};
static const float positions_sum[] = {
    0.32223294f,   0.242821881f,   0.424715786f,  0.31571829f,    0.13456278f,    0.27544804f,
    0.0580379197f, -0.0830542927f, -0.160839542f, -0.574510861f,  -0.348349404f,  -0.767935725f,
    0.349410509f,  0.439693994f,   0.414250267f,  0.271290746f,   0.167325597f,   0.163292407f,
    -0.547998078f, -0.176549912f,  -0.631285972f, -0.519461012f,  -0.413914417f,  -0.771281207f,
    0.392640492f,  0.370205345f,   0.385793377f,  0.216064657f,   0.0295024958f,  0.0269008912f,
    -0.583550404f, -0.248541702f,  -0.723219515f, 0.287320866f,   0.466475283f,   0.370648712f,
    0.266198361f,  0.155115315f,   0.153717946f,  -0.566429533f,  -0.164591064f,  -0.645289131f,
    -0.517190817f, -0.412964268f,  -0.770336418f, 0.407299743f,   0.366320785f,   0.39235449f,
    0.237086577f,  0.0117956952f,  0.0368673702f, -0.573177668f,  -0.255760248f,  -0.718371571f,
    0.339075469f,  0.511793194f,   0.435028479f,  0.378983483f,   0.264642924f,   0.307852788f,
    -0.462158366f, -0.04853847f,   -0.495161054f, -0.55296324f,   -0.360307337f,  -0.758004486f,
    0.341486138f,  0.364775501f,   0.350168867f,  0.222753249f,   -0.0053242247f, 0.0259845513f,
    -0.604728472f, -0.267737555f,  -0.739476733f, 0.354092332f,   0.494991002f,   0.442338793f,
    0.394464848f,  0.246773346f,   0.315414387f,  -0.451431171f,  -0.0604440217f, -0.489943436f,
    -0.545158415f, -0.371924096f,  -0.754072536f, 0.409307458f,   0.422292218f,   0.441128921f,
    -0.17782508f,  -0.448272748f,  -0.46305706f,  -0.246954991f,  -0.597643903f,  -0.657792048f,
    0.500579883f,  0.247804641f,   0.424812484f,  0.290548073f,   -0.0100738101f, 0.0611492964f,
    -0.476277276f, -0.299349437f,  -0.674178443f, 0.424757829f,   0.442526209f,   0.475517034f,
    0.429401467f,  0.216170312f,   0.33203184f,   -0.389694612f,  -0.110622852f,  -0.460757884f,
    -0.477784374f, -0.421153258f,  -0.722476056f, 0.466726382f,   0.372376928f,   0.468422467f,
    0.377938975f,  0.0820668996f,  0.213644238f,  -0.554725615f,  -0.312850421f,  -0.715632789f,
    0.3246926f,    0.449842359f,   0.416275227f,  0.384442569f,   0.196546925f,   0.302522751f,
    -0.394612453f, -0.122089517f,  -0.462372279f, -0.486630774f,  -0.434446943f,  -0.725717005f,
    0.464467238f,  0.362050419f,   0.467913284f,  0.389736152f,   0.059622312f,   0.219811939f,
    -0.471009955f, -0.236463567f,  -0.595012624f, -0.459839414f,  -0.482217166f,  -0.74218381f,
    0.471996033f,  0.296661333f,   0.423723741f,  0.295561364f,   -0.0585254441f, 0.0655581798f,
    -0.578555743f, -0.385170969f,  -0.778840685f, 0.356346568f,   0.408560676f,   0.403363376f,
    0.333108661f,  0.0888550681f,  0.185895002f,  -0.485860478f,  -0.214755009f,  -0.602475935f,
    -0.475209581f, -0.461783909f,  -0.749814782f, 0.459560886f,   0.315024901f,   0.417465769f,
    0.288809604f,  -0.0465720028f, 0.0620692658f, -0.529169054f,  -0.303029473f,  -0.697038448f,
    0.187990373f,  0.329183815f,   0.210893492f,  -0.0153895777f, 0.0454557826f,  -0.198714237f,
    -0.684695993f, -0.214365415f,  -0.832901766f, 0.327054503f,   0.510729909f,   0.401252736f,
    0.243388921f,  0.222699721f,   0.148599803f,  -0.568345079f,  -0.115985356f,  -0.642927678f,
    -0.538073848f, -0.365214743f,  -0.781622729f, 0.382880848f,   0.406249492f,   0.379887989f,
    0.201722108f,  0.0602721047f,  0.019242444f,  -0.597645586f,  -0.208104882f,  -0.731214416f,
    0.322639855f,  0.540415489f,   0.426557369f,  0.256715243f,   0.177278685f,   0.148570707f,
    -0.574488898f, -0.138230018f,  -0.650009329f, -0.60113204f,   -0.380721996f,  -0.821967167f,
    0.407874394f,  0.378017515f,   0.392067291f,  0.232125718f,   0.0237470117f,  0.0341583124f,
    -0.577253034f, -0.238784715f,  -0.720925922f, 0.342271238f,   0.522172022f,   0.435943064f,
    0.377503299f,  0.273960573f,   0.306780218f,  -0.462588621f,  -0.0357362884f, -0.49593658f,
    -0.556131736f, -0.34843204f,   -0.759929657f, 0.401752541f,   0.440885129f,   0.436985264f,
    0.219854412f,  0.00116101967f, 0.0244244346f, -0.607026414f,  -0.258251838f,  -0.740913076f,
    0.273767098f,  0.510539944f,   0.391313528f,  0.397276943f,   0.248199186f,   0.316573264f,
    -0.446556518f, -0.0593367654f, -0.487871885f, -0.543491995f,  -0.369081414f,  -0.753477583f,
    0.41484974f,   0.421813115f,   0.443564043f,  0.346878775f,   0.114607404f,   0.198625561f};
static const float tokens_training_last[] = {0.0477469001f,  0.037662128f,   -0.0644662787f,
                                             -0.101943481f,  0.0364278676f,  -0.143151974f,
                                             -0.0955911682f, -0.0286799723f, -0.0549207543f};
static const float tokens_training_sum[] = {0.741952691f,   0.282233918f, -0.324451382f,
                                            -0.0936931478f, 0.606127576f, 0.257218656f,
                                            0.0892075657f,  0.252441823f, 0.816634315f};
static const float tokens_training_weight_0[] = {0.450312613f, 0.344209281f, -0.519566106f};
static const float tokens_training_weight_1[] = {
    0.133882283f,  0.19433562f,   -0.101460301f, -0.114596997f,  -0.118881049f,  0.0587005055f,
    -0.23303149f,  0.291209358f,  -0.310180994f, -0.307701332f,  0.223850805f,   0.242943057f,
    0.0276034812f, -0.162284376f, -0.244153022f, -0.0907446311f, -0.0194026826f, 0.305566527f};
static const float tokens_training_unused[] = {0.078599222f, -0.560436726f, -0.562847555f};
static const float shared_training_last[] = {-0.106794762f, 0.0721113864f, 0.00947006182f,
                                             -0.03536339f,  0.0490071508f, 0.00233262928f,
                                             -0.224831117f, 0.108417171f,  0.0476199026f};
static const float shared_training_sum[] = {-0.38728884f,  0.184909643f,  -0.206624632f,
                                            -0.889894198f, 0.495015128f,  -1.11596858f,
                                            -0.246556122f, 0.0243630767f, 0.814172576f};
static const float shared_training_weight_0[] = {0.188548301f,  -0.184823948f, 0.282271294f,
                                                 -0.161634679f, 0.201166978f,  -0.477824729f};
static const float shared_training_weight_1[] = {-0.00452155673f, -0.312626628f, -0.323035568f, -0.417306302f,
                                                 -0.274101778f};
static const float auxiliary_training_last[] = {-0.0464529326f, 0.0264915112f, -0.0429305263f,
                                                -0.0912145774f, 0.0147802276f, -0.106329088f,
                                                -0.0376489952f, 0.0214707387f, -0.0347941688f};
static const float auxiliary_training_sum[] = {0.0760820196f, 0.118420164f,    -0.132767987f,
                                               0.110523401f,  0.704388642f,    -0.336591237f,
                                               -0.10557364f,  -0.00535930516f, -0.0260974064f};
static const float auxiliary_training_weight_0[] = {0.156165252f, 0.48155507f,   -0.469972331f,
                                                    0.45817762f,  -0.338154965f, -0.0365102596f};
static const float auxiliary_training_weight_1[] = {-0.0159911602f, 0.182085897f, -0.0993344509f,
                                                    -0.415892276f, -0.195765585f};

static mf_network *load(const char *name, int32_t contents)
{
    char path[1000];
    mf_load_spec spec;
    mf_network *network = NULL;

    snprintf(path, sizeof path, "%s/%s.safetensors", TEST_GOLDEN, name);
    check_ok(mf_load_spec_init(&spec, sizeof spec));
    spec.contents = contents;
    check_ok(mf_network_load(&spec, path, &network));
    return network;
}

/* [rows, positions, classes]; 1 position where goodness is that of rows. */
static void check_scores_at(mf_network *network, size_t inputs, size_t positions, int32_t mode,
                            const float *expected)
{
    mf_workspace *workspace = make_workspace(network, NULL, MF_WORKSPACE_INFERENCE, GOLDEN_ROWS);
    size_t count = GOLDEN_ROWS * positions * GOLDEN_CLASSES;
    float x[GOLDEN_ROWS * GOLDEN_MAPS], *scores = get_memory(count * sizeof *scores);
    int32_t y[GOLDEN_ROWS];

    golden_batch(x, inputs, y);
    check_ok(mf_network_goodness(network, workspace, mode, GOLDEN_ROWS, x, scores));
    for (size_t i = 0; i < count; i++)
        check_near(expected[i], scores[i], 2e-6 * (1.0 + fabs((double)expected[i])));
    free(scores);
    mf_workspace_free(workspace);
}

static void check_scores(mf_network *network, size_t inputs, int32_t mode, const float *expected)
{
    check_scores_at(network, inputs, 1, mode, expected);
}

static void test_a_golden_dense_model_gives_the_expected_scores(void **state)
{
    mf_network *network = load("format1/dense", MF_CONTENTS_MODEL);

    (void)state;
    check_scores(network, GOLDEN_INPUTS, MF_PREDICT_LAST, dense_last);
    check_scores(network, GOLDEN_INPUTS, MF_PREDICT_SUM, dense_sum);
    mf_network_free(network);
}

static void test_a_golden_convolutional_model_gives_the_expected_scores(void **state)
{
    mf_network *network = load("format1/maps", MF_CONTENTS_MODEL);

    (void)state;
    check_scores(network, GOLDEN_MAPS, MF_PREDICT_LAST, maps_last);
    check_scores(network, GOLDEN_MAPS, MF_PREDICT_SUM, maps_sum);
    mf_network_free(network);
}

static void check_row(const mf_network *network, size_t position, const char *name, const float *expected,
                      size_t count)
{
    float *weight = read_parameter(layer_at(network, position), name, NULL);

    for (size_t i = 0; i < count; i++)
        check_near(expected[i], weight[i], 2e-6);
    free(weight);
}

/* The checkpoint, and one step from it. */
static void test_a_golden_checkpoint_continues_as_expected(void **state)
{
    mf_network *network = load("format1/training", MF_CONTENTS_TRAINING);
    mf_workspace *workspace = make_network_workspace(network, GOLDEN_ROWS);

    (void)state;
    check_scores(network, GOLDEN_INPUTS, MF_PREDICT_LAST, training_last);
    check_scores(network, GOLDEN_INPUTS, MF_PREDICT_SUM, training_sum);
    golden_train(network, GOLDEN_INPUTS, 1);
    check_row(network, 0, "weight", training_weight_0, COUNT_OF(training_weight_0));
    check_row(network, 1, "weight", training_weight_1, COUNT_OF(training_weight_1));
    mf_workspace_free(workspace);
    mf_network_free(network);
}

static void test_a_golden_model_of_units_gives_the_expected_scores(void **state)
{
    mf_network *network = load("format2/units", MF_CONTENTS_MODEL);
    mf_parameter_info info = {.struct_size = sizeof info};

    (void)state;
    check_scores(network, GOLDEN_MAPS, MF_PREDICT_LAST, units_last);
    check_scores(network, GOLDEN_MAPS, MF_PREDICT_SUM, units_sum);
    check_ok(mf_layer_parameter_info(layer_at(network, 0), 3, &info));
    assert_string_equal(info.name, "units.2.mean");
    assert_int_equal(info.trainable, 0);
    mf_network_free(network);
}

static void test_a_golden_checkpoint_of_units_continues_as_expected(void **state)
{
    mf_network *network = load("format2/units_training", MF_CONTENTS_TRAINING);

    (void)state;
    check_scores(network, GOLDEN_INPUTS, MF_PREDICT_LAST, units_training_last);
    check_scores(network, GOLDEN_INPUTS, MF_PREDICT_SUM, units_training_sum);
    golden_train(network, GOLDEN_INPUTS, 1);
    check_row(network, 0, "units.1.weight", units_training_weight_0, COUNT_OF(units_training_weight_0));
    check_row(network, 1, "units.1.weight", units_training_weight_1, COUNT_OF(units_training_weight_1));
    mf_network_free(network);
}

static void test_golden_models_of_sequences_give_the_expected_scores(void **state)
{
    mf_network *network = load("format3/sequences", MF_CONTENTS_MODEL);

    (void)state;
    check_scores(network, GOLDEN_MAPS, MF_PREDICT_LAST, sequences_last);
    check_scores(network, GOLDEN_MAPS, MF_PREDICT_SUM, sequences_sum);
    mf_network_free(network);
    network = load("format3/positions", MF_CONTENTS_MODEL);
    check_scores_at(network, GOLDEN_MAPS, GOLDEN_MAPS / 2, MF_PREDICT_LAST, positions_last);
    check_scores_at(network, GOLDEN_MAPS, GOLDEN_MAPS / 2, MF_PREDICT_SUM, positions_sum);
    mf_network_free(network);
    network = load("format3/rows", MF_CONTENTS_MODEL);
    check_scores(network, GOLDEN_MAPS, MF_PREDICT_LAST, rows_last);
    mf_network_free(network);
}

/* Inputs that the network scales are tokens; the rows of others stay what they were. */
static void test_a_golden_checkpoint_of_tokens_continues_as_expected(void **state)
{
    mf_network *network = load("format4/tokens_training", MF_CONTENTS_TRAINING);
    float *weight;

    (void)state;
    check_scores(network, GOLDEN_INPUTS, MF_PREDICT_LAST, tokens_training_last);
    check_scores(network, GOLDEN_INPUTS, MF_PREDICT_SUM, tokens_training_sum);
    golden_train(network, GOLDEN_INPUTS, 1);
    check_row(network, 0, "units.1.weight", tokens_training_weight_0, COUNT_OF(tokens_training_weight_0));
    check_row(network, 1, "units.1.weight", tokens_training_weight_1, COUNT_OF(tokens_training_weight_1));
    weight = read_parameter(layer_at(network, 0), "units.1.weight", NULL);
    for (size_t i = 0; i < COUNT_OF(tokens_training_unused); i++)
        assert_true(weight[(GOLDEN_VOCABULARY - 1) * COUNT_OF(tokens_training_unused) + i] ==
                    tokens_training_unused[i]);
    free(weight);
    mf_network_free(network);
}

/* Two heads with one matrix, of which one learns two columns. */
static void test_a_golden_checkpoint_of_shared_heads_continues_as_expected(void **state)
{
    mf_network *network = load("format5/shared_training", MF_CONTENTS_TRAINING);

    (void)state;
    check_scores(network, GOLDEN_INPUTS, MF_PREDICT_LAST, shared_training_last);
    check_scores(network, GOLDEN_INPUTS, MF_PREDICT_SUM, shared_training_sum);
    golden_train(network, GOLDEN_INPUTS, 1);
    check_row(network, 0, "units.1.weight", shared_training_weight_0, COUNT_OF(shared_training_weight_0));
    check_row(network, 1, "units.1.weight", shared_training_weight_1, COUNT_OF(shared_training_weight_1));
    mf_network_free(network);
}

/* Auxiliary heads: one that reads the output, and one behind units of its own. */
static void test_a_golden_checkpoint_of_auxiliary_heads_continues_as_expected(void **state)
{
    mf_network *network = load("format6/auxiliary_training", MF_CONTENTS_TRAINING);

    (void)state;
    check_scores(network, GOLDEN_INPUTS, MF_PREDICT_LAST, auxiliary_training_last);
    check_scores(network, GOLDEN_INPUTS, MF_PREDICT_SUM, auxiliary_training_sum);
    golden_train(network, GOLDEN_INPUTS, 1);
    check_row(network, 0, "units.1.weight", auxiliary_training_weight_0,
              COUNT_OF(auxiliary_training_weight_0));
    check_row(network, 1, "units.1.weight", auxiliary_training_weight_1,
              COUNT_OF(auxiliary_training_weight_1));
    mf_network_free(network);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_a_golden_dense_model_gives_the_expected_scores),
        cmocka_unit_test(test_a_golden_convolutional_model_gives_the_expected_scores),
        cmocka_unit_test(test_a_golden_checkpoint_continues_as_expected),
        cmocka_unit_test(test_a_golden_model_of_units_gives_the_expected_scores),
        cmocka_unit_test(test_a_golden_checkpoint_of_units_continues_as_expected),
        cmocka_unit_test(test_golden_models_of_sequences_give_the_expected_scores),
        cmocka_unit_test(test_a_golden_checkpoint_of_tokens_continues_as_expected),
        cmocka_unit_test(test_a_golden_checkpoint_of_shared_heads_continues_as_expected),
        cmocka_unit_test(test_a_golden_checkpoint_of_auxiliary_heads_continues_as_expected),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
