"""science"""
# pip: scipy scikit-learn pandas pyarrow networkx plotly altair xarray h5netcdf h5py shapely geopandas omegaconf dask[dataframe]
# again: arg_gb arg_hgb bunch minimize ttest linregress arg_xropen omega omegalist arg_delayed arg_dd ddv
# says: pass what its compute() gives | return OmegaConf.to_container
from trying import *
import numpy as np, pandas as pd
spot = bs.Spot("app")
import scipy.sparse as sp
for k in ("csr_matrix", "csc_matrix", "coo_matrix", "bsr_matrix", "dia_matrix", "lil_matrix", "dok_matrix", "csr_array", "coo_array"):
    both(k, lambda: getattr(sp, k)(np.eye(3)), lambda v: v.toarray())
from sklearn.feature_extraction.text import TfidfVectorizer
both("tfidf", lambda: TfidfVectorizer().fit_transform(["a cat", "a dog"]), lambda v: v.toarray())
from sklearn.tree import DecisionTreeClassifier
from sklearn.ensemble import RandomForestClassifier, GradientBoostingClassifier, HistGradientBoostingClassifier
from sklearn.linear_model import LogisticRegression
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import StandardScaler
from sklearn.neighbors import KNeighborsClassifier
from sklearn.cluster import KMeans
from sklearn.svm import SVC
from sklearn.datasets import load_iris
X, y = load_iris(return_X_y=True)
arg("tree", DecisionTreeClassifier(random_state=0).fit(X, y))
arg("forest", RandomForestClassifier(3, random_state=0).fit(X, y))
arg("gb", GradientBoostingClassifier(n_estimators=3, random_state=0).fit(X, y))
arg("hgb", HistGradientBoostingClassifier(max_iter=3, random_state=0).fit(X, y))
arg("logreg", LogisticRegression(max_iter=1000).fit(X, y))
arg("pipe", make_pipeline(StandardScaler(), LogisticRegression()).fit(X, y))
arg("knn", KNeighborsClassifier().fit(X, y))
arg("svc", SVC().fit(X, y))
arg("kmeans", KMeans(2, random_state=0, n_init=1).fit(X))
both("bunch", load_iris, lambda b: b.keys())
from scipy.optimize import minimize
both("minimize", lambda: minimize(lambda x: (x**2).sum(), [1.0]), lambda r: r.x)
from scipy import stats
both("ttest", lambda: stats.ttest_ind([1, 2], [2, 3]))
both("linregress", lambda: stats.linregress([1, 2, 3], [2, 3, 5]))
import networkx as nx
both("graph", lambda: nx.karate_club_graph(), lambda g: sorted(g.edges(data=True))[:2])
both("digraph", lambda: nx.DiGraph([(1, 2)]), lambda g: g.edges)
both("multi", lambda: nx.MultiGraph([(1, 2), (1, 2)]), lambda g: g.edges)
import plotly.express as px, plotly.graph_objects as go
both("plotly", lambda: px.line(pd.DataFrame({"a": [1, 2], "b": [3, 4]}), x="a", y="b"), lambda f: f.data[0].to_plotly_json().keys())
both("go", lambda: go.Figure(go.Bar(y=[1, 2])), lambda f: f.data[0].to_plotly_json().keys())
import altair as alt
both("altair", lambda: alt.Chart(pd.DataFrame({"a": [1], "b": [2]})).mark_bar().encode(x="a", y="b"), lambda c: c.to_json()[:100])
both("altlayer", lambda: alt.Chart(pd.DataFrame({"a": [1], "b": [2]})).mark_bar().encode(x="a") + alt.Chart().mark_rule(), lambda c: type(c))
import xarray as xr
ds = xr.Dataset({"t": (("x", "y"), np.ones((2, 3)))}, coords={"x": [1, 2], "time": ("y", pd.date_range("2024", periods=3))}, attrs={"a": 1})
both("xrds", lambda: ds)
both("xrda", lambda: ds.t)
both("xrmean", lambda: ds.t.mean())
ds.to_netcdf("x.nc", engine="h5netcdf")
arg("xropen", xr.open_dataset("x.nc", engine="h5netcdf"))
both("xrload", lambda: xr.load_dataset("x.nc", engine="h5netcdf"))
import shapely, geopandas as gpd
both("point", lambda: shapely.Point(1, 2))
both("poly", lambda: shapely.Point(1, 2).buffer(1), lambda p: p.wkt[:50])
both("ring", lambda: shapely.LinearRing([(0, 0), (1, 1), (1, 0)]))
gdf = gpd.GeoDataFrame({"a": [1, 2]}, geometry=[shapely.Point(0, 0), None], crs="EPSG:4326")
both("gdf", lambda: gdf)
both("gs", lambda: gdf.geometry)
both("gdfcrs", lambda: gdf.to_crs(3857), lambda g: (g.crs.to_epsg(), repr(g)))
both("gsrings", lambda: gpd.GeoSeries([shapely.Point(0, 0).buffer(1), None]).exterior, lambda g: g.geom_type.tolist())
both("gdfplace", lambda: gdf, lambda g: str(g.crs))
arg("gdfloaded", spot.mark(name="load")(lambda: gdf.to_crs("+proj=utm +zone=33"))())
from omegaconf import OmegaConf
both("omega", lambda: OmegaConf.create({"a": {"b": 1}, "c": "${a.b}"}))
both("omegalist", lambda: OmegaConf.create([1, 2]))
import dask, dask.dataframe as dd
arg("delayed", dask.delayed(1))
arg("dd", dd.from_pandas(pd.DataFrame({"a": [1]}), npartitions=1))
value("ddv", lambda: dd.from_pandas(pd.DataFrame({"a": [1]}), npartitions=1), lambda v: type(v))
